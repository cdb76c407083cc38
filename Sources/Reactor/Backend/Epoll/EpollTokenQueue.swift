/// Connections that have a turn to come, first come, first served. They are named by tokens: those
/// that have gone meanwhile need not be looked for.
@safe struct EpollTokenQueue: ~Copyable {
  private(set) var count = 0
  private var first = 0
  /// A power of two.
  private var capacity = 64
  private var tokens: UnsafeMutablePointer<EpollToken>

  init() {
    unsafe tokens = .allocate(capacity: capacity)
  }

  deinit {
    unsafe tokens.deallocate()
  }

  mutating func append(_ token: EpollToken) {
    if count == capacity { grow() }
    unsafe (tokens + ((first + count) & (capacity - 1))).initialize(to: token)
    count += 1
  }

  /// The queue must not be empty.
  mutating func takeFirst() -> EpollToken {
    assert(count > 0)
    let token = unsafe tokens[first]
    first = (first + 1) & (capacity - 1)
    count -= 1
    return token
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<EpollToken>.allocate(capacity: 2 * capacity)
    for position in 0..<count {
      let token = unsafe tokens[(first + position) & (capacity - 1)]
      unsafe (larger + position).initialize(to: token)
    }
    unsafe tokens.deallocate()
    unsafe tokens = larger
    first = 0
    capacity *= 2
  }
}
