import WebSocketProtocol

extension Script {
  private static let longest = String(repeating: "x", count: 125)

  /// §5.5
  static let controlFrames: [Script] = [
    scripts("a ping may be empty", [.ping()], hear: [.ping("")]),
    scripts("a ping may have 125 bytes", [.ping(longest)], hear: [.ping(longest)]),
    scripts("a pong nobody asked for is heard", [.pong("?")], hear: [.pong("?")]),
    scripts("pings keep their order", [.ping("1"), .ping("2")], hear: [.ping("1"), .ping("2")]),
    scripts("a ping's bytes need not be text", [WireFrame(0x89, [0xFF])], hear: [.ping([0xFF])]),
    scripts(
      "a ping of 126 bytes is refused", [.ping(longest + "x")], error: .controlFrameTooLong),
    scripts(
      "a close of 127 bytes is refused", [.close(1000, longest)], error: .controlFrameTooLong),
    scripts(
      "a pong of 2^63 - 1 bytes is refused by its header",
      [.pong().with { $0.declaredLength = 1 << 63 - 1 }], error: .controlFrameTooLong),
    scripts("a fragmented ping is refused", [WireFrame(0x09)], error: .controlFrameFragmented),
    scripts("a fragmented close is refused", [WireFrame(0x08)], error: .controlFrameFragmented),
    scripts(
      "a fragmented pong is refused inside a message",
      [.text("a", isFinal: false), WireFrame(0x0A, [1])], error: .controlFrameFragmented),
  ].flatMap { $0 }

  /// §5.5.1, §7.1
  static let closing: [Script] = [
    scripts("a close may be empty", [.close()], hear: [.close(nil, reason: "")]),
    scripts("a close may have a code", [.close(1000)], hear: [.close(1000, reason: "")]),
    scripts(
      "a close may have a reason", [.close(1001, "tschüß")], hear: [.close(1001, reason: "tschüß")]),
    scripts(
      "a reason may have 123 bytes", [.close(4999, String(longest.dropLast(2)))],
      hear: [.close(4999, reason: String(longest.dropLast(2)))]),
    scripts(
      "a close may stand inside a message, which is then forgotten",
      [.text("a", isFinal: false), .close(1000), .continuation("b")],
      hear: [.close(1000, reason: "")]),
    scripts(
      "what follows a close is ignored",
      [.text("a"), .close(1000), .text("b"), .ping(), .close(1001)],
      hear: [.text("a"), .close(1000, reason: "")]),
    scripts(
      "garbage after a close is ignored", [.close(1000), WireFrame(0xFF, Array(0...255))],
      hear: [.close(1000, reason: "")]),
    scripts("a close of one byte is refused", [.close([0x03])], error: .closePayloadTooShort),
    scripts(
      "a reason that is not UTF-8 is refused", [.close([0x03, 0xE8, 0x61, 0xFF])],
      error: .invalidCloseReason),
    scripts(
      "a reason that ends inside a character is refused", [.close([0x03, 0xE8, 0xC3])],
      error: .invalidCloseReason),
    scripts(
      "what follows an error is ignored", [.ping(), .continuation("a"), .text("b"), .close(1000)],
      hear: [.ping("")], error: .unexpectedContinuation),
  ].flatMap { $0 }

  /// §7.4
  static let closeCodes: [Script] =
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].flatMap { code in
      scripts("code \(code) is refused", [.close(code, "why")], error: .invalidCloseCode)
    }
    + [
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
      4999,
    ].flatMap { code in
      scripts("code \(code) is heard", [.close(code)], hear: [.close(code, reason: "")])
    }
}
