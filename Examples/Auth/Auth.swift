import WebSocket

/// Lets in only those who know a token, and remembers with each connection who that was.
///
/// The token is in the field `Authorization: Bearer TOKEN`, or in the query `?token=TOKEN`, since a
/// page in a browser cannot set fields. Queries are found in the logs of proxies: a real service
/// would give pages tokens that work once, and soon no more.
struct Auth: WebSocketServerHandler {
  struct User {
    let name: String
    var messageCount = 0
  }

  let accounts: Accounts

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<User> {
    guard let token = Self.token(in: request), let name = accounts.name(of: token) else {
      return .refuse(Self.refusal)
    }
    return .accept(User(name: name))
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout User) {
    connection.send("Hello, \(state.name).")
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout User
  ) {
    state.messageCount += 1
    connection.send("\(state.name), message \(state.messageCount): \(message.text)")
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout User) {}

  func closed(_ connection: Connection, _ closure: Closure, state: inout User) {}

  private static func token(in request: borrowing HTTPRequest) -> String? {
    guard let credentials = request.header(named: "authorization") else {
      return request.queryItem(named: "token")
    }
    let words = credentials.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
    return String(words[1])
  }

  /// The same for no token and for a wrong one.
  private static let refusal: HTTPResponse = {
    var headers = HTTPHeaders()
    do {
      try headers.add("WWW-Authenticate", "Bearer realm=\"martlet\"")
    } catch {
      preconditionFailure("the field is well-formed")
    }
    return HTTPResponse(status: .unauthorized, headers: headers, text: "A token is needed.\n")
  }()
}
