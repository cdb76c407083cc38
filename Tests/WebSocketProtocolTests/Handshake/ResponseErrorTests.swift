import Testing
import WebSocketProtocol

@Suite("What is wrong with a server's answer")
struct ResponseErrorTests {
  @Test("is told in words of its own for each")
  func reasons() {
    let errors: [ResponseError] = [
      .malformedHead(.bareLineFeed), .malformedStatusLine, .unsupportedHTTPVersion, .invalidUpgrade,
      .invalidConnection, .invalidAccept, .unexpectedExtension, .unexpectedSubprotocol,
    ]
    #expect(errors.allSatisfy { !$0.reason.isEmpty })
    #expect(Set(errors.map(\.reason)).count == errors.count)
  }
}
