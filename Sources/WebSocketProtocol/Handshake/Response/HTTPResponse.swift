/// A whole HTTP response after which the connection ends: a refused upgrade, or the answer to a
/// plain request. `Connection`, `Content-Length` and what the status demands are written by itself;
/// a server adds `Date`, unless `headers` have one.
public struct HTTPResponse: Sendable, Equatable {
  /// From 200 to 599.
  public let status: HTTPStatus
  /// Header fields, without those that are written by themselves.
  public var headers: HTTPHeaders
  /// The bytes behind the head. Not sent in the answer to HEAD.
  public var body: [UInt8]

  /// `contentType` becomes the `Content-Type` field; it must hold no line break.
  public init(
    status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), contentType: String? = nil,
    body: [UInt8] = []
  ) {
    guard 200...599 ~= status.code else {
      misuse("An HTTPResponse has the status \(status.code). It must have one from 200 to 599.")
    }
    self.status = status
    self.headers = headers
    self.body = body
    guard let contentType else { return }
    do {
      try self.headers.add("Content-Type", contentType)
    } catch {
      misuse("The contentType of an HTTPResponse holds a line break or another control character.")
    }
  }

  /// 426, with a line of text: the usual answer to a request that is no opening handshake, for a server
  /// that has no pages.
  public static let upgradeRequired = HTTPResponse(
    status: .upgradeRequired, text: "This is a WebSocket server.\n")

  /// A response of plain text.
  public init(status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), text: String) {
    self.init(
      status: status, headers: headers, contentType: "text/plain; charset=utf-8",
      body: Array(text.utf8))
  }

  /// Appends the response as it goes to the client.
  ///
  /// - Parameters:
  ///   - bytes: what it is appended to.
  ///   - omittingBody: for the answer to a HEAD request: the header is the same, with the length
  ///     that the body would have, and nothing follows it (RFC 9110 §9.3.2).
  ///   - date: the time at which the response is made, which a server with a clock has to tell
  ///     (RFC 9110 §6.6.1). A `Date` among `headers` takes its place.
  public func append(to bytes: inout [UInt8], omittingBody: Bool = false, date: HTTPDate? = nil) {
    status.appendLine(to: &bytes)
    headers.append(date, to: &bytes)
    appendStatusFields(to: &bytes)
    headers.append(to: &bytes)
    if !status.excludesBody {
      bytes.append(contentsOf: "Content-Length: \(body.count)\r\n".utf8)
    }
    bytes.append(contentsOf: "\r\n".utf8)
    if !omittingBody, !status.excludesBody { bytes.append(contentsOf: body) }
  }

  private func appendStatusFields(to bytes: inout [UInt8]) {
    switch status {
    case .upgradeRequired:
      // RFC 9110 §15.5.22 demands Upgrade, RFC 6455 §4.2.2 item 4 the version.
      bytes.append(
        contentsOf: """
          Connection: close, Upgrade\r
          Upgrade: websocket\r
          Sec-WebSocket-Version: 13\r\n
          """.utf8)
    case .methodNotAllowed where headers["allow"] == nil:
      // RFC 9110 §15.5.6 demands it.
      bytes.append(contentsOf: "Connection: close\r\nAllow: GET\r\n".utf8)
    default:
      bytes.append(contentsOf: "Connection: close\r\n".utf8)
    }
  }
}
