/// A payload of at least one byte, cut into pieces: all of one length, but for the last.
public struct PayloadPieces: Sendable {
  /// Bytes of the payload.
  public let byteCount: Int
  /// Bytes of each piece but the last.
  public let pieceByteCount: Int

  /// Cuts a payload of `byteCount` bytes, at least 1, into pieces of `pieceByteCount`, at least 1.
  @inlinable
  public init(byteCount: Int, pieceByteCount: Int) {
    self.byteCount = byteCount
    self.pieceByteCount = pieceByteCount
  }

  /// How many pieces there are: at least one.
  public var count: Int { (byteCount - 1) / pieceByteCount + 1 }

  /// Where a piece lies in the payload.
  public func range(of index: Int) -> Range<Int> {
    let start = index * pieceByteCount
    return start..<(byteCount - start > pieceByteCount ? start + pieceByteCount : byteCount)
  }
}
