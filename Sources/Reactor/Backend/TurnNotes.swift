/// What a backend notes of a connection's turns at receiving: how much one read may bring, which
/// depends on what the last ones have cost. 512 KiB may be one message, or 87,000 frames.
struct TurnNotes: OptionSet {
  var rawValue: UInt8

  /// Stands in the list of those that have bytes to be read without a further signal.
  static let isListed = TurnNotes(rawValue: 1 << 1)
  /// The last turn took long: the next ones come behind those of others.
  static let isCostly = TurnNotes(rawValue: 1 << 2)
  /// An end or an error has been signalled: a short read does not mean that nothing more is to be
  /// read.
  static let isHungUp = TurnNotes(rawValue: 1 << 3)

  private static let shiftPosition: UInt8 = 4
  /// Bytes that are always read at once, if they are there.
  static let byteCountMin = 8192
  private static let shiftMax: UInt8 = 6
  /// Nobody is known to send large messages before he has.
  private static let firstShift: UInt8 = 5
  /// Bytes from which on it is measured what they cost.
  private static let measuredByteCount = 8192
  /// A turn is over when its reads have taken longer. After one that has, the next are smaller.
  static let turnNanosecondsMax: Int64 = 1_000_000
  /// After a read that has taken less, and filled the buffer, the next are larger.
  private static let quickNanoseconds: Int64 = 250_000

  /// Of a new connection.
  init() {
    rawValue = Self.firstShift << Self.shiftPosition
  }

  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  private var shift: UInt8 {
    get { rawValue >> Self.shiftPosition }
    set { rawValue = rawValue & 0xF | newValue << Self.shiftPosition }
  }

  /// Bytes that the next read may bring into a buffer.
  func byteCountMax(of capacity: Int) -> Int {
    min(capacity, max(capacity >> Int(shift), Self.byteCountMin))
  }

  /// Whether a turn is over after one read: nothing is known of what more would cost.
  var isUnproven: Bool { shift >= Self.firstShift }

  /// Whether it is to be measured what so many received bytes cost.
  func measures(_ byteCount: Int) -> Bool {
    byteCount >= Self.measuredByteCount || contains(.isCostly)
  }

  /// Notes that a turn has taken so long.
  mutating func note(turnNanoseconds: Int64) {
    if turnNanoseconds > Self.quickNanoseconds { insert(.isCostly) }
  }

  /// Notes what a read has cost that was measured.
  mutating func note(nanoseconds: Int64, hasFilled: Bool) {
    if nanoseconds > Self.quickNanoseconds {
      insert(.isCostly)
      if nanoseconds > Self.turnNanosecondsMax { shift = min(shift + 1, Self.shiftMax) }
    } else {
      remove(.isCostly)
      if hasFilled, shift > 0 { shift -= 1 }
    }
  }
}
