extension Session {
  /// Takes a client's unfragmented message of up to 125 bytes, all of which is here: by far the
  /// most common event, at a third of the instructions that `next` takes for it.
  ///
  /// To be called before `next`. Nil: what comes is something else, or nothing, or no valid text;
  /// nothing has changed, and `next` says what it is.
  @inlinable @inline(__always)
  public mutating func takeShortMessage(
    in bytes: inout MutableRawSpan, offset: inout Int, limits: Limits
  ) -> (kind: Message.Kind, payload: Range<Int>)? {
    let start = offset
    let available = bytes.byteCount &- start &- 6
    guard takesShortMessages, available >= 0, start >= 0 else { return nil }
    return unsafe bytes.withUnsafeMutableBytes { buffer in
      let frame = unsafe buffer.baseAddress.unsafelyUnwrapped + start
      let head = unsafe frame.loadUnaligned(as: UInt16.self).littleEndian
      // FIN and the opcode of a text or binary message, then the mask bit and a length of one byte.
      let isText = head & 0x80FF == 0x8081
      let byteCount = Int(head >> 8 & 0x7F)
      guard isText || head & 0x80FF == 0x8082, byteCount <= available,
        byteCount <= limits.shortMessageByteCountMax
      else { return nil }
      let key = unsafe MaskingKey(
        inMemory: frame.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
      let content = unsafe frame + 6
      let isASCII = unsafe key.transformShort(content, to: content, byteCount: byteCount)
      if isText, !isASCII {
        let text = unsafe RawSpan(_unsafeStart: content, byteCount: byteCount)
        guard UTF8Validator.isValid(text) else {
          // As it was: `next` finds the error, and fails the session.
          _ = unsafe key.transformShort(content, to: content, byteCount: byteCount)
          return nil
        }
      }
      let payload = unsafe Range(uncheckedBounds: (start &+ 6, start &+ 6 &+ byteCount))
      offset = payload.upperBound
      return (isText ? .text : .binary, payload)
    }
  }
}
