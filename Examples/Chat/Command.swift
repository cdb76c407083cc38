/// What a client can ask for: a text message of words, one space between them.
enum Command: Equatable {
  case join(room: Name)
  case leave(room: Name)
  case nick(Name)
  case say(room: Name, text: String)

  static let usage = "join ROOM, leave ROOM, nick NAME, or say ROOM TEXT"

  /// Throws why it is no command, to be told to the client.
  init(_ line: String) throws(Refusal) {
    let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    switch (words.first, words.count) {
    case ("join", 2): self = .join(room: try Name(words[1]))
    case ("leave", 2): self = .leave(room: try Name(words[1]))
    case ("nick", 2): self = .nick(try Name(words[1]))
    case ("say", 3): self = .say(room: try Name(words[1]), text: try Self.text(words[2]))
    default: throw Refusal("the commands are \(Self.usage)")
    }
  }

  /// One line: a second one could look like somebody else's words.
  private static func text(_ text: Substring) throws(Refusal) -> String {
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw Refusal("a text is one line")
    }
    return String(text)
  }
}

/// What rooms and people are called: 1 to 24 letters, digits, `-` and `_` of ASCII.
///
/// Nothing else, so that a name can be no other name's lookalike, and stands as one word in a line.
struct Name: Hashable, CustomStringConvertible {
  static let byteCountMax = 24

  let description: String

  init(_ text: some StringProtocol) throws(Refusal) {
    guard 1...Self.byteCountMax ~= text.utf8.count, text.utf8.allSatisfy(Self.isAllowed) else {
      throw Refusal("a name is 1 to \(Self.byteCountMax) letters, digits, - and _")
    }
    description = String(text)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

/// Why something was not done.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
