/// How far the bytes of one connection have been searched for the end of their head.
///
/// It is all that has to be kept per connection while a head arrives: every byte is looked at
/// once, in however many pieces it comes.
public struct HeadSearch: Sendable, Equatable {
  private var searchedByteCount: UInt32 = 0

  public init() {}

  /// Looks for the empty line that ends a head and checks the octets on the way, so that what is
  /// not HTTP at all is refused as soon as it shows.
  ///
  /// `bytes` is everything received so far, from the first byte of the head. The result is the
  /// number of bytes in the head, its empty line included; nil if it has not ended.
  mutating func findEnd(in bytes: RawSpan, byteCountMax: Int) throws(HeadError) -> Int? {
    precondition(bytes.byteCount >= searchedByteCount, "bytes must start where the head starts")
    let end = min(bytes.byteCount, byteCountMax)
    var index = Int(searchedByteCount)
    var isAfterReturn = index > 0 && bytes[octet: index - 1] == .carriageReturn
    while index < end {
      let octet = bytes[octet: index]
      if isAfterReturn {
        guard octet == .lineFeed else { throw .bareCarriageReturn }
        if index >= 3, bytes[octet: index - 2] == .lineFeed { return index + 1 }
        isAfterReturn = false
      } else if !octet.isFieldOctet {
        guard octet == .carriageReturn else {
          throw octet == .lineFeed ? .bareLineFeed : .controlCharacter
        }
        isAfterReturn = true
      }
      index += 1
    }
    if end == byteCountMax { throw .tooLong }
    searchedByteCount = UInt32(end)
    return nil
  }
}
