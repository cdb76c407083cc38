/// How far the bytes of one connection have been searched for the end of their head.
///
/// It is all that has to be kept per connection while a head arrives: every byte is looked at
/// once, in however many pieces it comes.
public struct HeadSearch: Sendable, Equatable {
  private var searchedByteCount: UInt32 = 0
  /// Bytes of the empty lines in front of a request line, as far as they have been skipped.
  private(set) var emptyLinesByteCount: UInt32 = 0

  /// Before the first byte of a head.
  public init() {}

  /// Looks for the empty line that ends a head and checks the octets on the way, so that what is
  /// not HTTP at all is refused as soon as it shows.
  ///
  /// `bytes` is everything received so far, from the first byte of the head. The result is the
  /// number of bytes in the head, its empty line included; nil if it has not ended.
  ///
  /// With `skippingEmptyLines` the head may begin with empty lines, which count towards its limit
  /// (RFC 9112 §2.2: for requests only). Each is CRLF: a line feed alone ends no line here.
  mutating func findEnd(
    in bytes: RawSpan, byteCountMax: Int, skippingEmptyLines: Bool = false
  ) throws(HeadError) -> Int? {
    precondition(bytes.byteCount >= searchedByteCount, "bytes must start where the head starts")
    let end = min(bytes.byteCount, byteCountMax)
    var index = Int(searchedByteCount)
    var isAfterReturn = index > 0 && bytes[octet: index - 1] == .carriageReturn
    while index < end {
      let octet = bytes[octet: index]
      if isAfterReturn {
        guard octet == .lineFeed else { throw .bareCarriageReturn }
        let start = Int(emptyLinesByteCount)
        if skippingEmptyLines, index == start + 1 {
          emptyLinesByteCount += 2
        } else if index >= start + 3, bytes[octet: index - 2] == .lineFeed {
          return index + 1
        }
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
