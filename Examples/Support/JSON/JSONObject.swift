/// A small JSON object (RFC 8259), as commands and events are: `{"type":"say","text":"Hello"}`.
///
/// What is read may hold texts and whole numbers, nothing nested.
public struct JSONObject: ExpressibleByDictionaryLiteral {
  public enum Value: Equatable, Sendable {
    case text(String)
    case number(UInt64)
    /// Written only.
    case numbers([UInt64])
  }

  /// What is read may have as many members as this.
  static let memberCountMax = 8

  private var members: [(name: String, value: Value)]

  public init(dictionaryLiteral elements: (String, Value)...) {
    members = elements.map { (name: $0, value: $1) }
  }

  /// Reads an object.
  ///
  /// - Parameter bytes: UTF-8, as that of a text message has been checked to be.
  /// - Throws: what is wrong with it, in words that may be sent to whoever wrote it.
  public init(reading bytes: [UInt8]) throws(JSONError) {
    members = []
    var reader = JSONReader(bytes)
    try reader.readMembers { name, value throws(JSONError) in
      guard members.count < Self.memberCountMax else { throw JSONError("too many members") }
      guard self[name] == nil else { throw JSONError("a member comes twice") }
      members.append((name, value))
    }
  }

  /// The object with the members of another one behind its own.
  public func adding(_ other: JSONObject) -> JSONObject {
    var sum = self
    sum.members += other.members
    return sum
  }

  public subscript(name: String) -> Value? {
    members.first { $0.name == name }?.value
  }

  /// The text of that name; nil if there is none, or it is no text.
  public func text(_ name: String) -> String? {
    guard case .text(let text) = self[name] else { return nil }
    return text
  }

  /// The number of that name; nil if there is none, or it is no number.
  public func number(_ name: String) -> UInt64? {
    guard case .number(let number) = self[name] else { return nil }
    return number
  }

  /// The object as a text message.
  public var written: String {
    var writer = JSONWriter()
    writer.write(members)
    return writer.text
  }
}

extension JSONObject.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  public init(stringLiteral text: String) { self = .text(text) }
  public init(integerLiteral number: UInt64) { self = .number(number) }
}

/// What is wrong with a text that should be JSON.
public struct JSONError: Error, Equatable {
  public let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
