/// The 32 bits with which a client masks the payload of one frame (RFC 6455 §5.3).
public struct MaskingKey: Hashable, Sendable, BitwiseCopyable {
  /// The bytes that a key takes in a frame's header.
  public static let byteCount = 4

  /// The key's first byte lies in the least significant bits, so that taking the next byte of the
  /// key is a shift to the right.
  @usableFromInline var word: UInt32

  /// A key from its four bytes in the order of the wire, the first one most significant: the key
  /// of the RFC's example (§5.7) is `MaskingKey(0x37fa_213d)`.
  public init(_ value: UInt32) {
    word = value.byteSwapped
  }

  /// A key as loaded from memory, where its first byte comes first.
  @inlinable
  init(inMemory: UInt32) {
    word = inMemory.littleEndian
  }

  /// The key's four bytes in the order of the wire, the first one most significant.
  public var value: UInt32 { word.byteSwapped }

  /// The key as it lies in memory: XOR it with four bytes loaded from there.
  @inlinable var inMemory: UInt32 { word.littleEndian }

  /// The same twice, to XOR it with eight bytes.
  @inlinable var repeated: UInt64 { UInt64(inMemory) << 32 | UInt64(inMemory) }

  @inlinable var firstByte: UInt8 { UInt8(truncatingIfNeeded: word) }

  /// The key for what follows the first `byteCount` bytes of a payload: a payload can be masked
  /// in pieces of any lengths.
  @inlinable
  public func advanced(by byteCount: Int) -> MaskingKey {
    let shift = UInt32(truncatingIfNeeded: byteCount & 3) &* 8
    var advanced = self
    advanced.word = word &>> shift | word &<< (32 &- shift)
    return advanced
  }
}
