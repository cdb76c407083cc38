import WebSocketProtocol

extension Script {
  /// §5.1, §5.3
  static let masking: [Script] = [
    scripts(
      "an unmasked frame from a client is refused", to: .server,
      [.text("a"), .text("b").with { $0.isMasked = false }],
      hear: [.text("a")], error: .frameNotMasked),
    scripts(
      "an unmasked control frame from a client is refused", to: .server,
      [.ping("p").with { $0.isMasked = false }], error: .frameNotMasked),
    scripts(
      "an unmasked frame without a payload is refused too", to: .server,
      [.text("").with { $0.isMasked = false }], error: .frameNotMasked),
    scripts(
      "a masked frame from a server is refused", to: .client,
      [.text("a"), .text("b").with { $0.isMasked = true }],
      hear: [.text("a")], error: .frameMasked),
    scripts(
      "every frame has a key of its own", to: .server,
      [
        .text("one", isFinal: false).with { $0.key = [1, 2, 3, 4] },
        .continuation("two").with { $0.key = [0xFF, 0xFE, 0xFD, 0xFC] },
        .binary([5, 6, 7]).with { $0.key = [0, 0, 0, 0] },
      ],
      hear: [.text("onetwo"), .binary([5, 6, 7])]),
  ].flatMap { $0 }

  /// §5.2
  static let baseFraming: [Script] =
    lengths + reservedBits + reservedOpcodes
    + [
      scripts("nothing says nothing", []),
      scripts(
        "messages in one read are heard one by one",
        [.text("a"), .binary([0]), .text(""), .text("ä")],
        hear: [.text("a"), .binary([0]), .text(""), .text("ä")]),
      scripts(
        "binary carries every byte", [.binary(Array(0...255))], hear: [.binary(Array(0...255))]),
      scripts(
        "a length of 125 in sixteen bits is refused",
        [.text(String(repeating: "a", count: 125)).with { $0.lengthByteCount = 2 }],
        error: .lengthNotMinimal),
      scripts(
        "a length of 0 in sixteen bits is refused",
        [.text("").with { $0.lengthByteCount = 2 }], error: .lengthNotMinimal),
      scripts(
        "a length of 65,535 in sixty-four bits is refused",
        [
          .text("").with {
            $0.declaredLength = 65_535
            $0.lengthByteCount = 8
          }
        ], error: .lengthNotMinimal),
      scripts(
        "a length with the top bit set is refused",
        [.binary([]).with { $0.declaredLength = 1 << 63 }], error: .lengthTooLarge),
      scripts(
        "a length of all ones is refused",
        [.binary([]).with { $0.declaredLength = .max }], error: .lengthTooLarge),
    ].flatMap { $0 }

  private static let lengths = [1, 124, 125, 126, 127, 128, 1000, 65_535, 65_536, 70_001].flatMap {
    byteCount in
    let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    return scripts(
      "a payload of \(byteCount) bytes", [.binary(payload)], hear: [.binary(payload)])
  }

  private static let reservedBits = [0x40, 0x20, 0x10, 0x70].flatMap { (bits: UInt8) in
    scripts(
      "reserved bits \(bits) are refused", [.text("a"), WireFrame(0x81 | bits, [0x61])],
      hear: [.text("a")], error: .reservedBitSet)
      + scripts(
        "reserved bits \(bits) are refused in a control frame", [WireFrame(0x89 | bits)],
        error: .reservedBitSet)
      + scripts(
        "reserved bits \(bits) are refused in a continuation",
        [.text("a", isFinal: false), WireFrame(0x80 | bits, [0x61])], error: .reservedBitSet)
  }

  private static let reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap {
    (opcode: UInt8) in
    scripts(
      "opcode \(opcode) is refused", [.ping(), WireFrame(0x80 | opcode, [0x61])],
      hear: [.ping("")], error: .reservedOpcode)
      + scripts(
        "opcode \(opcode) is refused inside a message",
        [.binary([1], isFinal: false), WireFrame(0x80 | opcode)], error: .reservedOpcode)
  }

  /// §5.4
  static let fragmentation: [Script] = [
    scripts(
      "two fragments are one message", [.text("Hel", isFinal: false), .continuation("lo")],
      hear: [.text("Hello")]),
    scripts(
      "fragmented binary stays binary",
      [.binary([1], isFinal: false), .continuation([2], isFinal: false), .continuation([3])],
      hear: [.binary([1, 2, 3])]),
    scripts(
      "fragments may be empty at the beginning",
      [.text("", isFinal: false), .continuation("", isFinal: false), .continuation("a")],
      hear: [.text("a")]),
    scripts(
      "fragments may be empty in the middle",
      [.text("a", isFinal: false), .continuation("", isFinal: false), .continuation("b")],
      hear: [.text("ab")]),
    scripts(
      "fragments may be empty at the end", [.text("a", isFinal: false), .continuation("")],
      hear: [.text("a")]),
    scripts(
      "a message of empty fragments is an empty message",
      [.binary([], isFinal: false), .continuation([], isFinal: false), .continuation([])],
      hear: [.binary([])]),
    scripts(
      "an empty message is heard", [.text(""), .binary([])],
      hear: [.text(""), .binary([])]),
    scripts(
      "control frames may stand between fragments",
      [
        .text("a", isFinal: false), .ping("1"), .continuation("b", isFinal: false), .pong("2"),
        .ping("3"), .continuation("c"), .ping("4"),
      ],
      hear: [.ping("1"), .pong("2"), .ping("3"), .text("abc"), .ping("4")]),
    scripts(
      "fragmented messages may follow each other",
      [
        .text("a", isFinal: false), .continuation("b"), .binary([1], isFinal: false),
        .continuation([2]), .text("c"),
      ],
      hear: [.text("ab"), .binary([1, 2]), .text("c")]),
    scripts(
      "a continuation without a message is refused", [.continuation("a")],
      error: .unexpectedContinuation),
    scripts(
      "an unfinished continuation without a message is refused",
      [.continuation("a", isFinal: false), .continuation("b")], error: .unexpectedContinuation),
    scripts(
      "a continuation after the end of its message is refused",
      [.text("a", isFinal: false), .continuation("b"), .continuation("c")],
      hear: [.text("ab")], error: .unexpectedContinuation),
    scripts(
      "a text inside a message is refused", [.text("a", isFinal: false), .text("b")],
      error: .messageNotFinished),
    scripts(
      "a binary inside a message without bytes so far is refused",
      [.text("", isFinal: false), .ping(), .binary([1], isFinal: false)],
      hear: [.ping("")], error: .messageNotFinished),
  ].flatMap { $0 }
}
