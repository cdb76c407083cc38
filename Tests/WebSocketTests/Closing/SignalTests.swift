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

  @Test(
    "stops together with all others of the process, also if another one has run and ended before")
  func several() async {
    await #expect(processExitsWith: .success) {
      let first = try Server(ServerConfiguration(port: 0)) { _ in }
      let second = try Server(ServerConfiguration(port: 0)) { _ in }
      let third = try Server(ServerConfiguration(port: 0)) { _ in }
      let ended = Locked<[StopOutcome]>([])
      let threads = [first, second, third].map { server in
        Threads.start {
          let outcome = server.run()
          ended.withLock { $0.append(outcome) }
        }
      }
      // One ends by itself.
      usleep(50_000)
      third.stop()
      pthread_join(threads[2], nil)
      // Whatever has been opened since keeps what it holds.
      let peer = try Peer(port: first.addresses[0].port ?? 0)
      try peer.upgrade(target: "/")
      kill(getpid(), SIGTERM)
      let close = try peer.readFrame()
      #expect(close.closeCode == 1001)
      try peer.send(.close(1001))
      for thread in threads.prefix(2) { pthread_join(thread, nil) }
      #expect(ended.withLock { $0 } == [.ended, .ended, .ended])
      // And once more.
      let fourth = try Server(ServerConfiguration(port: 0)) { _ in }
      let killer = Threads.start {
        usleep(50_000)
        kill(getpid(), SIGINT)
      }
      #expect(fourth.run() == .ended)
      pthread_join(killer, nil)
    }
  }

  @Test("ends the process at a second signal, though a handler never returns")
  func second() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      var configuration = try ServerConfiguration(port: 0)
      configuration.reactor.reactorCount = 1
      let server = try Server(configuration) { on in
        on.opened = { _, _ in
          kill(getpid(), SIGINT)
          while true { sleep(1) }
        }
      }
      let peer = Threads.start {
        let peer = try? Peer(port: server.addresses[0].port ?? 0)
        _ = try? peer?.upgrade(target: "/")
        usleep(500_000)
        kill(getpid(), SIGTERM)
        sleep(60)
      }
      server.run()
      pthread_detach(peer)
      exit(1)
    }
  }

  @Test("or a client that does so, ends")
  func client() async {
    await #expect(processExitsWith: .success) {
      let client = try Client { _ in }
      let killer = Threads.start {
        usleep(50_000)
        kill(getpid(), SIGTERM)
      }
      #expect(client.run() == .ended)
      pthread_join(killer, nil)
    }
  }
}
