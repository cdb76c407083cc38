import WebSocketProtocol

extension Script {
  /// §5.6, §8.1
  static let text: [Script] =
    invalid.flatMap { name, bytes in refusals(of: bytes, name) }
    + [
      scripts(
        "characters of every length are heard", [.text("aé漢😀 \u{0} \u{10FFFF}\u{FFFF}")],
        hear: [.text("aé漢😀 \u{0} \u{10FFFF}\u{FFFF}")]),
      scripts(
        "a character may be split over fragments",
        [
          .text(bytes: [0xF0], isFinal: false), .continuation([0x9F], isFinal: false), .ping("!"),
          .continuation([], isFinal: false), .continuation([0x98, 0x80]),
        ],
        hear: [.ping("!"), .text("😀")]),
      scripts(
        "a message that ends inside a character is refused",
        [.text(bytes: [0xE6, 0xBC], isFinal: false), .continuation([])], error: .invalidText),
      scripts(
        "a character does not go on in the next message",
        [.text(bytes: [0x61, 0xE6]), .text(bytes: [0xBC, 0xA2])], error: .invalidText),
      scripts(
        "a bad byte is found although the message is not finished",
        [.text(bytes: [0x61, 0xFF], isFinal: false)], error: .invalidText),
    ].flatMap { $0 }

  private static func refusals(of bytes: [UInt8], _ name: String) -> [Script] {
    let good = Array("κό".utf8)
    var byByte = bytes.map { WireFrame.continuation([$0], isFinal: false) }
    byByte[0].firstByte = 0x01
    byByte[byByte.count - 1].firstByte |= 0x80
    return [
      scripts("\(name) is refused", [.text(bytes: bytes)], error: .invalidText),
      scripts(
        "\(name) is refused after good text", [.text("ok"), .text(bytes: good + bytes)],
        hear: [.text("ok")], error: .invalidText),
      scripts("\(name) is refused in fragments of a byte", byByte, error: .invalidText),
      scripts("\(name) is fine in binary", [.binary(bytes)], hear: [.binary(bytes)]),
    ].flatMap { $0 }
  }

  private static let invalid: [(String, [UInt8])] = [
    ("a continuation byte alone", [0x80]),
    ("an overlong slash", [0xC0, 0xAF]),
    ("an overlong U+007F", [0xC1, 0xBF]),
    ("an overlong U+07FF", [0xE0, 0x9F, 0xBF]),
    ("an overlong U+FFFF", [0xF0, 0x8F, 0xBF, 0xBF]),
    ("the first surrogate", [0xED, 0xA0, 0x80]),
    ("the last surrogate", [0xED, 0xBF, 0xBF]),
    ("U+110000", [0xF4, 0x90, 0x80, 0x80]),
    ("a first byte F5", [0xF5, 0x80, 0x80, 0x80]),
    ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
    ("FE", [0xFE]),
    ("a character cut short by another one", [0xE2, 0x82, 0x61]),
    ("a character without its last byte", [0xF0, 0x9F, 0x98]),
  ]

  /// §10.4
  static let limits: [Script] = {
    let eight = Session.Limits(messageByteCountMax: 8)
    let frames = Session.Limits(messageByteCountMax: 8, frameByteCountMax: 4)
    let none = Session.Limits(messageByteCountMax: .max)
    let hostile = WireFrame.binary([1]).with { $0.declaredLength = 1 << 63 - 1 }
    return [
      scripts(
        "a message of the limit is heard", limits: eight, [.text("12345678"), .text("12345678")],
        hear: [.text("12345678"), .text("12345678")]),
      scripts(
        "a message of one byte more is refused", limits: eight, [.text("123456789")],
        error: .frameTooBig),
      scripts(
        "the limit counts over all fragments", limits: eight,
        [.text("1234", isFinal: false), .continuation("5678", isFinal: false), .continuation("9")],
        error: .messageTooBig),
      scripts(
        "each message is counted anew", limits: eight,
        [.text("1234", isFinal: false), .continuation("5678"), .text("1234567")],
        hear: [.text("12345678"), .text("1234567")]),
      scripts(
        "a frame has a limit of its own", limits: frames,
        [.text("1234", isFinal: false), .continuation("5678"), .text("12345")],
        hear: [.text("12345678")], error: .frameTooBig),
      scripts(
        "control frames do not count", limits: eight,
        [.text("1234", isFinal: false), .ping("123456789"), .continuation("5678")],
        hear: [.ping("123456789"), .text("12345678")]),
      scripts(
        "2^63 - 1 bytes are refused by their header", limits: eight, [hostile], error: .frameTooBig),
      scripts(
        "lengths that add up to more than 2^63 are refused", limits: none,
        [.binary([1], isFinal: false), .continuation([]).with { $0.declaredLength = 1 << 63 - 1 }],
        error: .messageTooBig),
      scripts(
        "no message at all may be allowed", limits: Session.Limits(messageByteCountMax: 0),
        [.text(""), .ping("p"), .text("a")], hear: [.text(""), .ping("p")], error: .frameTooBig),
    ].flatMap { $0 }
  }()
}
