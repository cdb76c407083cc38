public import WebSocketProtocol

/// A server's answer to an opening handshake other than 101: a redirect, a demand to authenticate, a
/// refusal.
public struct Refusal: Sendable, Equatable {
  /// The most bytes of a body that are kept: 4 KiB.
  public static let bodyByteCountMax = 4_096
  /// Milliseconds that a body is waited for behind the head, within the time for connecting: 1 s.
  public static let bodyMillisecondsMax = 1_000

  /// Status and fields.
  public let head: ResponseHead
  /// The first bytes of the body, as far as they had come when it ended, the connection ended or
  /// `bodyMillisecondsMax` were over. A content coding such as gzip is not undone.
  public let bodyStart: [UInt8]

  /// The status, from 200 to 999.
  public var status: HTTPStatus { head.status }

  /// The value of the first field called `name`, the case of letters aside: `Location` of a
  /// redirect, say.
  public func header(named name: String) -> String? { head.header(named: name) }

  /// `bodyStart` as UTF-8, whatever `Content-Type` says. What is not UTF-8 becomes U+FFFD.
  public var bodyText: String { String(decoding: bodyStart, as: UTF8.self) }
}

extension Refusal: CustomStringConvertible {
  private static let reasonCharacterCountMax = 80
  private static let bodyCharacterCountMax = 200

  /// One line: the status, what the server says to do, and the first 200 characters of the body if it
  /// is text. Characters that could end the line or steer a terminal are escaped.
  public var description: String {
    let reason = Self.line(head.reasonPhrase, countMax: Self.reasonCharacterCountMax)
    let status = (reason.isEmpty ? "\(status.code)" : "\(status.code) \(reason)") + demand
    guard !bodyStart.isEmpty else { return status }
    guard isText else { return "\(status), with a body that is no text" }
    let body = Self.line(bodyText, countMax: Self.bodyCharacterCountMax)
    return body.isEmpty ? status : "\(status): \(body)"
  }

  /// Where a redirect leads to, or who is let in.
  private var demand: String {
    if 300..<400 ~= status.code, let location = header(named: "Location") {
      return ", a redirect that is not followed: "
        + Self.line(location, countMax: Self.reasonCharacterCountMax)
    }
    if status == .unauthorized, let demand = header(named: "WWW-Authenticate") {
      return ", which asks for " + Self.line(demand, countMax: Self.reasonCharacterCountMax)
    }
    return ""
  }

  private var isText: Bool {
    guard header(named: "Content-Encoding") == nil else { return false }
    guard let type = header(named: "Content-Type")?.lowercased() else { return true }
    return type.hasPrefix("text/") || type.contains("json") || type.contains("xml")
  }

  private static func line(_ text: String, countMax: Int) -> String {
    var scalars = text.unicodeScalars[...]
    while scalars.first?.properties.isWhitespace ?? false { scalars.removeFirst() }
    while scalars.last?.properties.isWhitespace ?? false { scalars.removeLast() }
    let line = scalars.prefix(countMax).map(escaped).joined()
    return scalars.count > countMax ? line + "…" : line
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
      scalar.escaped(asASCII: true)
    default: String(scalar)
    }
  }
}
