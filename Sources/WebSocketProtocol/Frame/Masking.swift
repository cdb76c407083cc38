/// Masking and unmasking are the same transformation (RFC 6455 §5.3).
extension MaskingKey {
  /// Masks or unmasks the bytes in `range`, of which the first one meets the key's first byte.
  public func apply(to bytes: inout MutableRawSpan, in range: Range<Int>) {
    precondition(range.upperBound <= bytes.byteCount && range.lowerBound >= 0)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      let start = unsafe base + range.lowerBound
      unsafe transform(UnsafeRawPointer(start), to: start, byteCount: range.count)
    }
  }

  /// Copies `source` to `offset` and the bytes after it, masked or unmasked on the way.
  public func copy(_ source: RawSpan, into bytes: inout MutableRawSpan, at offset: Int = 0) {
    precondition(offset >= 0 && source.byteCount <= bytes.byteCount - offset)
    unsafe source.withUnsafeBytes { from in
      unsafe bytes.withUnsafeMutableBytes { to in
        guard let source = from.baseAddress, let base = to.baseAddress else { return }
        unsafe transform(source, to: base + offset, byteCount: from.count)
      }
    }
  }

  /// Writes the XOR of the source and the repeated key. The two ranges are the same or disjoint.
  ///
  /// Each length is covered by words of one width, the last of which ends with the payload: it
  /// overlaps its neighbour instead of leaving a remainder to be done byte by byte. In place, an
  /// overlap would be masked twice, so the last word is loaded before anything is stored.
  @unsafe
  private func transform(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int
  ) {
    if byteCount >= 32 {
      unsafe transform(source, to: destination, byteCount: byteCount, by: SIMD8<UInt32>.self)
    } else if byteCount >= 16 {
      unsafe transform(source, to: destination, byteCount: byteCount, by: SIMD4<UInt32>.self)
    } else if byteCount >= 8 {
      unsafe transform(source, to: destination, byteCount: byteCount, by: SIMD2<UInt32>.self)
    } else if byteCount >= 4 {
      let last = byteCount - 4
      let head = unsafe source.loadUnaligned(as: UInt32.self) ^ inMemory
      let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: UInt32.self)
      unsafe destination.storeBytes(of: head, as: UInt32.self)
      let tailKey = advanced(by: last).inMemory
      unsafe destination.storeBytes(of: tail ^ tailKey, toByteOffset: last, as: UInt32.self)
    } else {
      var key = inMemory.littleEndian
      for offset in 0..<byteCount {
        let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self)
        let masked = byte ^ UInt8(truncatingIfNeeded: key)
        unsafe destination.storeBytes(of: masked, toByteOffset: offset, as: UInt8.self)
        key &>>= 8
      }
    }
  }

  /// `transform` by words of one width, at least one of which fits in the payload.
  @unsafe @inline(__always)
  private func transform<Word: SIMD & BitwiseCopyable>(
    _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int,
    by width: Word.Type
  ) where Word.Scalar == UInt32 {
    let last = byteCount - MemoryLayout<Word>.size
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Word.self)
    let key = Word(repeating: inMemory)
    var offset = 0
    while offset < last {
      let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: Word.self) ^ key
      unsafe destination.storeBytes(of: word, toByteOffset: offset, as: Word.self)
      offset &+= MemoryLayout<Word>.size
    }
    let tailKey = Word(repeating: advanced(by: last).inMemory)
    unsafe destination.storeBytes(of: tail ^ tailKey, toByteOffset: last, as: Word.self)
  }
}
