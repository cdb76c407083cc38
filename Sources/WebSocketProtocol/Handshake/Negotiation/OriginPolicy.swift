/// From which web pages a server accepts connections (RFC 6455 §10.2). Browsers name the page's
/// origin and cannot be made to lie; other clients write what they like.
public struct OriginPolicy: Sendable, Equatable {
  private let origins: [String]
  private let permitsAny: Bool
  private let permitsMissing: Bool

  /// Whatever the origin, and also without one.
  public static let any = OriginPolicy(allowing: ["*"])

  /// - Parameters:
  ///   - origins: such as `https://example.com` or `http://localhost:8080`. `*` stands for any.
  ///     `null`, the origin of sandboxed pages and local files, is like any other value.
  ///   - permitsMissing: whether clients that send no origin, as programs do, are accepted.
  ///     Without an effect next to `*`.
  public init(allowing origins: [String], permitsMissing: Bool = false) {
    self.origins = origins.map { Self.withoutDefaultPort($0.lowercased()) }
    permitsAny = origins.contains("*")
    self.permitsMissing = permitsMissing
  }

  /// Scheme, host and port must be the same; the case of letters and a port that is the scheme's
  /// default make no difference.
  public func permits(_ origin: String?) -> Bool {
    if permitsAny { return true }
    guard let origin else { return permitsMissing }
    return origins.contains(Self.withoutDefaultPort(origin.lowercased()))
  }

  /// Whether a request may come from where its `Origin` says, if it has one (RFC 6454).
  public func permits(_ request: borrowing HTTPRequest) -> Bool { permits(request.origin) }

  private static func withoutDefaultPort(_ origin: String) -> String {
    for (scheme, port) in [("http://", ":80"), ("https://", ":443")]
    where origin.hasPrefix(scheme) && origin.hasSuffix(port) {
      return String(origin.dropLast(port.count))
    }
    return origin
  }
}

extension HTTPRequest {
  /// The origin of the web page that asks; nil if the client is no browser.
  public var origin: String? { header(named: "origin") }
}
