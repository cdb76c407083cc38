/// Somebody who has the page open: stored with the connection, and touched by its reactor only.
struct Visitor {
  /// What tells visitors of the same name apart.
  let number: UInt64
  /// Nil until the visitor has joined the chat.
  var name: VisitorName?
  /// Whether much waits to be sent.
  var isBehind = false
}

/// 1 to 24 characters on one line, without spaces around them.
struct VisitorName: Equatable {
  static let characterCountMax = 24
  /// A character can be of any number of bytes.
  static let byteCountMax = 96

  let text: String

  init(_ text: String) throws(Refusal) {
    guard text.utf8.count <= Self.byteCountMax, 1...Self.characterCountMax ~= text.count else {
      throw Refusal("a name has 1 to \(Self.characterCountMax) characters")
    }
    guard text.first?.isWhitespace == false, text.last?.isWhitespace == false,
      text.unicodeScalars.allSatisfy(\.isVisible)
    else { throw Refusal("a name cannot be that") }
    self.text = text
  }
}

/// What somebody says: 1 to 2,000 bytes.
struct ChatText: Equatable {
  static let byteCountMax = 2000

  let text: String

  init(_ text: String) throws(Refusal) {
    guard 1...Self.byteCountMax ~= text.utf8.count else {
      throw Refusal("a message has 1 to \(Self.byteCountMax) bytes")
    }
    guard text.unicodeScalars.allSatisfy({ $0.isVisible || $0 == "\n" }) else {
      throw Refusal("a message has no control characters")
    }
    guard !text.allSatisfy(\.isWhitespace) else { throw Refusal("a message says something") }
    self.text = text
  }
}

extension Unicode.Scalar {
  /// Neither a control character nor one that turns the direction of what stands around it.
  fileprivate var isVisible: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: false
    default: !(0x202A...0x202E ~= value) && !(0x2066...0x2069 ~= value)
    }
  }
}

/// Why something was not done, to be told to whoever asked for it.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
