/// Masking and unmasking are the same transformation (RFC 6455 §5.3).
extension MaskingKey {
  /// Masks or unmasks the bytes in `range`, of which the first one meets the key's first byte.
  ///
  /// Returns whether all of them are ASCII afterwards: to learn it here costs next to nothing, and
  /// it spares most text a second pass.
  @discardableResult
  public func apply(to bytes: inout MutableRawSpan, in range: Range<Int>) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount)
    return unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return true }
      let start = unsafe base + range.lowerBound
      return unsafe transform(UnsafeRawPointer(start), to: start, byteCount: range.count)
    }
  }

  /// Copies `source` to `offset` and the bytes after it, masked or unmasked on the way.
  public func copy(_ source: RawSpan, into bytes: inout MutableRawSpan, at offset: Int = 0) {
    precondition(offset >= 0 && source.byteCount <= bytes.byteCount - offset)
    unsafe source.withUnsafeBytes { from in
      unsafe bytes.withUnsafeMutableBytes { to in
        guard let source = from.baseAddress, let base = to.baseAddress else { return }
        _ = unsafe transform(source, to: base + offset, byteCount: from.count)
      }
    }
  }

  /// Writes the XOR of the source and the repeated key, and returns whether it is ASCII. The two
  /// ranges are the same or disjoint.
  ///
  /// Each length is covered by words of one width, the last of which ends with the payload: it
  /// overlaps its neighbour instead of leaving a remainder to be done byte by byte. In place, an
  /// overlap would be masked twice, so the last word is loaded before anything is stored.
  @unsafe @usableFromInline
  func transform(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> Bool {
    switch byteCount {
    case 64...: unsafe transformLong(source, to: destination, byteCount: byteCount)
    case 32...: unsafe transformBlocks(source, to: destination, byteCount: byteCount)
    default: unsafe transformShort(source, to: destination, byteCount: byteCount)
    }
  }

  /// Up to 32 bytes: two words that overlap cover them.
  @unsafe @inlinable @inline(__always)
  func transformShort(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> Bool {
    if byteCount >= 16 {
      return unsafe transformBlocks(source, to: destination, byteCount: byteCount)
    }
    if byteCount >= 8 {
      return unsafe transformPair(source, to: destination, byteCount, by: UInt64.self)
    }
    if byteCount >= 4 {
      return unsafe transformPair(source, to: destination, byteCount, by: UInt32.self)
    }
    return unsafe transformBytes(source, to: destination, byteCount: byteCount)
  }

  /// At least 64 bytes, four blocks of 16 at a time: the processor does them side by side.
  @unsafe
  private func transformLong(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> Bool {
    typealias Word = SIMD16<UInt32>
    let last = byteCount &- MemoryLayout<Word>.size
    let tailKey = Word(repeating: advanced(by: last).inMemory)
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Word.self) ^ tailKey
    let key = Word(repeating: inMemory)
    var union = tail
    var offset = 0
    while offset < last {
      let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: Word.self) ^ key
      union |= word
      unsafe destination.storeBytes(of: word, toByteOffset: offset, as: Word.self)
      offset &+= MemoryLayout<Word>.size
    }
    unsafe destination.storeBytes(of: tail, toByteOffset: last, as: Word.self)
    return union & Word(repeating: 0x8080_8080) == Word()
  }

  /// At least 16 bytes.
  @unsafe @inlinable @inline(__always)
  func transformBlocks(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> Bool {
    typealias Word = SIMD4<UInt32>
    let last = byteCount &- MemoryLayout<Word>.size
    let tailKey = Word(repeating: advanced(by: last).inMemory)
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Word.self) ^ tailKey
    let key = Word(repeating: inMemory)
    var union = tail
    var offset = 0
    while offset < last {
      let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: Word.self) ^ key
      union |= word
      unsafe destination.storeBytes(of: word, toByteOffset: offset, as: Word.self)
      offset &+= MemoryLayout<Word>.size
    }
    unsafe destination.storeBytes(of: tail, toByteOffset: last, as: Word.self)
    let words = unsafe unsafeBitCast(union, to: SIMD2<UInt64>.self)
    return (words[0] | words[1]) & 0x8080_8080_8080_8080 == 0
  }

  /// At least one word, and at most two.
  @unsafe @inlinable @inline(__always)
  func transformPair<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, _ byteCount: Int,
    by width: Word.Type
  ) -> Bool {
    let last = byteCount &- MemoryLayout<Word>.size
    let tailKey = Word(truncatingIfNeeded: advanced(by: last).repeated)
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Word.self) ^ tailKey
    let head =
      unsafe source.loadUnaligned(as: Word.self) ^ Word(truncatingIfNeeded: repeated)
    unsafe destination.storeBytes(of: head, as: Word.self)
    unsafe destination.storeBytes(of: tail, toByteOffset: last, as: Word.self)
    return (head | tail) & Word(truncatingIfNeeded: 0x8080_8080_8080_8080 as UInt64) == 0
  }

  @unsafe @inlinable
  func transformBytes(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> Bool {
    var key = self
    var union: UInt8 = 0
    for offset in 0..<byteCount {
      let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self) ^ key.firstByte
      union |= byte
      unsafe destination.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      key = key.advanced(by: 1)
    }
    return union < 0x80
  }
}
