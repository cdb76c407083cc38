extension HTTPRequest {
  /// The subprotocols that the client offers, most wanted first (RFC 6455 §4.2.1, item 8).
  public var subprotocols: [String] { listElements(named: "sec-websocket-protocol") }

  /// Whether the client offers exactly `subprotocol`.
  public func offersSubprotocol(_ subprotocol: String) -> Bool {
    var elements = fields.elements(of: "sec-websocket-protocol")
    while let element = elements.next(in: fields) {
      if fields.bytes.equals(subprotocol, in: element) { return true }
    }
    return false
  }

  /// The first of `supported`, which the server lists in its order of preference, that the client
  /// offers. Nil if it offers none of them: the connection then has no subprotocol
  /// (RFC 6455 §4.2.2, item 5.5).
  public func selectSubprotocol(from supported: [String]) -> String? {
    supported.first { offersSubprotocol($0) }
  }
}
