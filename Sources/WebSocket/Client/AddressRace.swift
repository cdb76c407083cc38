/// The race between the addresses of one attempt to connect (RFC 8305 §5): which address is tried
/// when. The first one that is connected to wins.
///
/// Transitions perform nothing: they return what the caller must do.
struct AddressRace {
  /// What the caller must do after a transition.
  enum Action: Equatable {
    /// Wait until something becomes of an address that is being tried.
    case none
    /// Begin to connect to the address at this position, then call `began` or `failed`.
    case connect(to: Int)
    /// Call `next` at this time, unless another transition comes first.
    case wait(untilNanoseconds: Int64)
    /// Nothing: each address has been tried and has failed.
    case fail
  }

  /// "A subsequent connection MUST NOT be started within 10 milliseconds of the previous attempt."
  static let delayMillisecondsMin = 10
  /// The recommended maximum.
  static let delayMillisecondsMax = 2_000

  private let addressCount: Int
  private let delayNanoseconds: Int64
  /// The address that is tried next.
  private var position = 0
  /// The addresses that are being tried.
  private var running: Set<Int> = []
  /// The address that was tried last, and when that began.
  private var newest: (position: Int, startNanoseconds: Int64)?
  /// An address has won, all have failed, or nobody wants to know any more.
  private var isOver = false

  /// - Parameters:
  ///   - addressCount: how many addresses there are.
  ///   - delayMilliseconds: the Connection Attempt Delay, from the beginning of one try to the
  ///     beginning of the next. What is less than 10 ms or more than 2 s is taken for that.
  init(addressCount: Int, delayMilliseconds: Int) {
    self.addressCount = addressCount
    let delay = min(max(delayMilliseconds, Self.delayMillisecondsMin), Self.delayMillisecondsMax)
    delayNanoseconds = Int64(delay) * 1_000_000
  }

  /// The race begins, or a time has come that was to be waited for.
  mutating func next(atNanoseconds now: Int64) -> Action {
    guard !isOver else { return .none }
    guard position < addressCount else {
      isOver = running.isEmpty
      return isOver ? .fail : .none
    }
    if let due = dueNanoseconds, now < due { return .wait(untilNanoseconds: due) }
    defer { position += 1 }
    return .connect(to: position)
  }

  /// An address is being tried from now on.
  mutating func began(_ position: Int, atNanoseconds now: Int64) -> Action {
    running.insert(position)
    newest = (position, now)
    return next(atNanoseconds: now)
  }

  /// An address cannot be connected to. If it was not even begun, nothing has been sent, and the
  /// next one need not wait because of it.
  mutating func failed(_ position: Int, atNanoseconds now: Int64) -> Action {
    running.remove(position)
    return next(atNanoseconds: now)
  }

  /// An address has won, or the attempt has failed for another reason: no other one is tried.
  mutating func end() {
    isOver = true
  }

  /// When the next address may be tried: the delay after the newest one, and as soon as it is
  /// allowed to if the newest one has failed. Nil: now.
  private var dueNanoseconds: Int64? {
    guard let newest else { return nil }
    let delay =
      running.contains(newest.position)
      ? delayNanoseconds : Int64(Self.delayMillisecondsMin) * 1_000_000
    return newest.startNanoseconds + delay
  }
}
