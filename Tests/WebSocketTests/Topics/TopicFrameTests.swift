import Testing
import WebSocket

@Suite("Topics and frames that the application has made")
struct TopicFrameTests {
  @Test("stay out of a message in fragments, although a ping comes between", arguments: backends)
  func pingAmongFragments(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.subscribe(to: topic)
      func send(_ opcode: Opcode, _ text: String, isFinal: Bool) {
        let header = FrameHeader(
          opcode: opcode, payloadLength: UInt64(text.utf8.count), isFinal: isFinal)
        connection.sendFrame(header, text.utf8Span.span.bytes)
      }
      for _ in 0..<5 {
        send(.text, "first ", isFinal: false)
        send(.ping, "there?", isFinal: true)
        topic.publish("news")
        #expect(
          try peer.readFrame() == Frame(opcode: 1, payload: Array("first ".utf8), isFinal: false))
        #expect(try peer.readFrame() == .ping("there?"))
        // In another pass, when the topic has been looked at.
        send(.pong, "", isFinal: true)
        #expect(try peer.readFrame() == .pong(""))
        send(.continuation, "last", isFinal: true)
        #expect(try peer.readFrame() == .continuation(Array("last".utf8), isFinal: true))
        #expect(try peer.readFrame() == .text("news"))
      }
    }
  }
}
