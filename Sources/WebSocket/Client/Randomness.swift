internal import Reactor

/// Bytes from the kernel's generator (getentropy(3)), fetched many at a time: a masking key for each
/// frame must be one that nobody can predict (RFC 6455 §10.3), and a system call for each would
/// cost more than the masking.
struct Randomness: ~Copyable {
  private static let byteCount = 256

  private var bytes: [256 of UInt8] = .init(repeating: 0)
  private var usedByteCount = Self.byteCount

  /// As many bytes as the number has.
  mutating func next<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self
  ) -> Number {
    let size = MemoryLayout<Number>.size
    if usedByteCount + size > Self.byteCount { refill() }
    defer { usedByteCount += size }
    return unsafe bytes.span.bytes.unsafeLoadUnaligned(
      fromByteOffset: usedByteCount, as: Number.self)
  }

  /// A number from a range, all of them equally likely but for one part in 2^32.
  mutating func next(in range: ClosedRange<Int>) -> Int {
    let width = UInt64(range.upperBound - range.lowerBound) + 1
    return range.lowerBound + Int((UInt64(next(UInt32.self)) * min(width, 1 << 32)) >> 32)
  }

  private mutating func refill() {
    usedByteCount = 0
    unsafe withUnsafeMutableBytes(of: &bytes) { unsafe Entropy.fill($0) }
  }
}
