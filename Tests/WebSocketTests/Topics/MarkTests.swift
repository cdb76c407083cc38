import Testing
import WebSocket

@testable import Reactor

/// Marks tell a reactor up to where a topic may be sent.
@Suite("A mark of a topic")
struct MarkTests {
  @Test("that arrives late takes nothing back of what a later one has told", arguments: backends)
  func late(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.subscribe(to: topic)
          let first = topic.publish("1")
          topic.publish("2")
          // As by a publisher of the first one that was interrupted before it could post.
          topic.postMark(first.ordinal + 1, to: connection.id.reactor)
        }
      }
    ) { running in
      let peer = try running.open()
      for _ in 0..<3 {
        try peer.send(.text("go"))
        #expect(try peer.readFrame() == .text("1"))
        #expect(try peer.readFrame() == .text("2"))
      }
      peer.reset()
    }
  }
}
