extension RawSpan {
  /// The integer that begins at `offset`, in the byte order of this machine.
  ///
  /// Safe, unlike the load it is made of: the bounds are checked, and every bit pattern is a value
  /// of every integer type.
  func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Integer.Type
  ) -> Integer {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The byte at `offset`.
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
