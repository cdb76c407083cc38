import Glibc
import Testing
import WebSocket

@Suite("A server that runs until a signal")
struct SignalTests {
  @Test(
    "closes its connections with 1001, and gives the signal its old effect back",
    arguments: [SIGINT, SIGTERM])
  func stops(signal number: Int32) async {
    await #expect(processExitsWith: .signal(number)) { [number] in
      let codes = Locked<[CloseCode]>([])
      let server = try Server(ServerConfiguration(port: 0)) { on in
        on.opened = { _, _ in kill(getpid(), number) }
        on.closed = { _, closure, _ in codes.withLock { $0.append(closure.code) } }
      }
      guard let port = server.addresses.first?.port else { exit(1) }
      let peer = Threads.start {
        guard let peer = try? Peer(port: port), (try? peer.upgrade(target: "/")) != nil,
          let close = try? peer.readFrame(), close.closeCode == 1001
        else { exit(2) }
        try? peer.send(.close(1001))
      }
      server.run()
      pthread_join(peer, nil)
      guard codes.withLock({ $0 }) == [.goingAway] else { exit(3) }
      // Nobody listens for it any more.
      kill(getpid(), number)
      sleep(5)
      exit(4)
    }
  }

  @Test("stops for no other signal than those it was given")
  func others() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      let server = try Server(ServerConfiguration(port: 0)) { _ in }
      let killer = Threads.start { kill(getpid(), SIGTERM) }
      server.run(stoppingOn: [.interrupt])
      pthread_join(killer, nil)
      exit(1)
    }
  }
}
