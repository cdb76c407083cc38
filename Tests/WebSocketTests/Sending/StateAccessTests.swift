import Testing
import WebSocket

@Suite("The state of a connection")
struct StateAccessTests {
  private struct Count: Sendable {
    var value = 0
    var note = ""
  }

  @Test("can be changed from any thread, one at a time, behind what was sent", arguments: backends)
  func foreignThreads(on kind: BackendKind) throws {
    var configuration = try ServerConfiguration(port: 0)
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactor.reactorCount = 2
    let opened = Locked<Connection?>(nil)
    let server = try Server(configuration, state: Count.self) { on in
      on.upgrade = { _, _ in .accept(Count()) }
      on.opened = { connection, _ in opened.withLock { $0 = connection } }
      on.received = { connection, _, state in connection.send("\(state.value)") }
    }
    defer {
      server.stop()
      server.wait()
    }
    let peer = try Peer(port: try #require(server.addresses.first?.port))
    try peer.upgrade()
    #expect(eventually { opened.withLock { $0 != nil } })
    let connection = try #require(opened.withLock { $0 })
    Threads.run(4) { _ in
      for _ in 0..<500 { connection.withState(as: Count.self) { $0.value += 1 } }
    }
    #expect(
      try eventually {
        try peer.send(.text("how many?"))
        return try peer.readFrame() == .text("2000")
      })
    try peer.closeOrderly()
  }

  @Test(
    "is not handed out twice: within a handler's call it comes after the call", arguments: backends)
  func exclusive(on kind: BackendKind) throws {
    let order = Locked<[String]>([])
    let note: @Sendable (String) -> Void = { text in order.withLock { $0.append(text) } }
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, state in
          note("begin \(state.note)")
          connection.withState(as: Tracked.self) { note("state \($0.note)") }
          note("end \(state.note)")
          connection.send("done")
        }
      }
    ) { running in
      let peer = try running.open(target: "/x")
      try peer.send(.text("go"))
      #expect(try peer.readFrame() == .text("done"))
      #expect(eventually { order.withLock { $0.count } == 3 })
      #expect(order.withLock { $0 } == ["begin /x", "end /x", "state /x"])
    }
  }

  @Test("is out of reach once the connection has gone", arguments: backends)
  func gone(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      #expect(connection.withState(as: Tracked.self) { _ in })
      try peer.closeOrderly()
      #expect(eventually { !connection.isOpen })
      #expect(!connection.withState(as: Tracked.self) { _ in Issue.record("a state that is gone") })
    }
  }
}
