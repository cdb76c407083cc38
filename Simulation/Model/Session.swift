import WebSocket

/// One end of a connection as the model sees it: what it has sent, and what it has been told.
final class Session: CustomStringConvertible {
  let number: Int
  let isServer: Bool
  let dial: Int
  var connection: Connection?
  /// The other end, once a message has told.
  var peer: Session?
  var openedCount = 0
  var closure: Closure?
  /// What other threads have sent, and what its reactor's own has.
  let lanes = [Lane(), Lane()]
  /// A server's: who changes its subscriptions, the reactor's thread or another.
  let isSubscribedByOwner: Bool
  /// A marker of a subscription was dropped: what it is sent of topics means nothing any more.
  var isLenient = false
  /// A send was answered with `.backpressure`, and `drained` has not followed.
  var owesDrained = false
  var hasSentFragments = false
  /// A server's subscriptions, by topic.
  var subscriptions: [Subscription]

  /// What a session has asked of a topic, and what its peer has got.
  struct Subscription {
    /// As whoever changes it has asked.
    var isWanted = false
    /// The next ordinal that the peer may get. Nil: none, it is not subscribed as far as it has
    /// been told.
    var next: Int?
    var startNumber = 0
    /// Messages that the peer has seen to be missing, and those that `lagged` has told of.
    var missing: [Int] = []
    var reportedCount = 0
    /// A change has made the two figures incomparable.
    var isInexact = false
    /// Messages before this one were there when it subscribed: what is sent directly does not wait
    /// for them.
    var replayEnd = 0
    /// No message up to here may come any more: what was sent behind it has come.
    var floor = 0
  }

  init(_ number: Int, isServer: Bool, dial: Int) {
    self.number = number
    self.isServer = isServer
    self.dial = dial
    isSubscribedByOwner = number % 2 == 0
    subscriptions = isServer ? Array(repeating: Subscription(), count: 3) : []
  }

  var description: String { "\(isServer ? "server" : "client")'s \(number)" }

  var isOpen: Bool { openedCount == 1 && closure == nil }
}
