public import Reactor
public import WebSocketProtocol

/// How one connection is made.
public struct DialOptions: Sendable {
  /// Fields to be added to the request.
  public var headers = HTTPHeaders()
  /// Most wanted first. The one that the server chose is `Connection.subprotocol`.
  public var subprotocols: [String] = []
  /// Only for a client that speaks for a web page.
  public var origin: String?

  /// Where to connect to, whatever host the URL names: a proxy, a test server, a Unix socket.
  public var address: SocketAddress?
  /// For the connection's socket: where it comes from, buffer sizes, …. Of a name's addresses, those
  /// that are not of the local address's family are not tried. Of no effect for a socket that is
  /// connected already (`Client.connect(over:to:options:state:)`), as `address` and `reconnect`.
  public var socket = ConnectingOptions()
  /// Milliseconds. Nil: `ClientConfiguration.connectTimeoutMilliseconds`.
  public var connectTimeoutMilliseconds: Int?
  /// Milliseconds. Nil: `ClientConfiguration.connectionAttemptDelayMilliseconds`.
  public var connectionAttemptDelayMilliseconds: Int?

  /// Whether a connection that could not be made, or has ended, is made anew. Nil: it is not. What
  /// ends that for sure is `Dial.cancel`.
  public var reconnect: ReconnectPolicy?

  /// Told of each attempt that has failed, and in how many milliseconds the next one follows; nil:
  /// none does. On the reactor's thread, or if the client has stopped on any.
  public var attemptFailed: (@Sendable (ConnectFailure, _ retryMilliseconds: Int?) -> Void)?

  /// Options with all defaults.
  public init() {}
}

/// When and how often a connection is made anew.
///
/// The wait before an attempt doubles with each failure, up to a limit, and is shortened by up to
/// half of it at random: clients that have all lost the same server shall not come back all at once.
public struct ReconnectPolicy: Sendable {
  /// The first wait: 500 ms.
  public var delayMilliseconds = 500
  /// The longest wait: 30 s.
  public var delayMillisecondsMax = 30_000
  /// Attempts in a row that may fail. Nil: any number.
  public var failureCountMax: Int?
  /// A connection that has been open for so long was a success: the waits begin anew. One that
  /// ended sooner counts as a failure. 10 s.
  public var stableAfterMilliseconds = 10_000

  /// Whether to try again after a failure. By default, unless the server has refused with a status
  /// of 400 to 499 other than 408, 425 and 429, or has given an answer that is none to a WebSocket.
  /// Also if the resolver says that there is no such name: a machine without a network is told the
  /// same, and a name may be about to be registered. Not asked after `.cancelled` and `.stopped`, which nothing follows.
  public var retries: @Sendable (ConnectFailure) -> Bool = { failure in
    switch failure {
    case .refused(let refusal):
      !(400..<500 ~= refusal.status.code) || [408, 425, 429].contains(refusal.status.code)
    case .invalidResponse, .cancelled, .stopped: false
    case .unresolved, .system, .timeout, .closed: true
    }
  }

  /// Whether to connect again after a connection has ended, unless this end has closed it
  /// (`Connection.close`, `Dial.cancel`) before the peer did. Also asked when this end has failed
  /// it: for a broken rule, a timeout, an overflow. By default, unless the peer has closed it with
  /// 1000.
  public var reconnects: @Sendable (Closure) -> Bool = { closure in
    !(closure.isClean && closure.code == .normalClosure)
  }

  /// A policy with all defaults.
  public init() {}

  /// The longest wait after so many failures in a row, at least 1.
  func delayMilliseconds(afterFailures count: Int) -> Int {
    let limit = max(1, delayMillisecondsMax)
    var delay = max(1, delayMilliseconds)
    for _ in 1..<max(2, count) where delay < limit {
      delay = delay > limit / 2 ? limit : delay * 2
    }
    return count <= 1 ? min(max(1, delayMilliseconds), limit) : min(delay, limit)
  }
}
