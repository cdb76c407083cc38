/// Bytes that fill a heap block from its first byte to its last, so that the address sanitizer sees
/// an access right before or behind them. An array has room at both ends.
@safe struct HeapBytes: ~Copyable {
  private let memory: UnsafeMutableRawBufferPointer

  init(_ bytes: some Collection<UInt8>) {
    unsafe memory = .allocate(byteCount: bytes.count, alignment: 1)
    unsafe memory.copyBytes(from: bytes)
  }

  deinit { unsafe memory.deallocate() }

  var byteCount: Int { unsafe memory.count }

  var span: RawSpan {
    @_lifetime(borrow self) borrowing get { unsafe memory.bytes }
  }

  var mutableSpan: MutableRawSpan {
    @_lifetime(&self) mutating get { unsafe memory.mutableBytes }
  }

  /// A copy of the bytes in `range`.
  borrowing func array(_ range: Range<Int>) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(rebasing: memory[range]))
  }

  /// A copy of all bytes.
  borrowing func array() -> [UInt8] { array(0..<byteCount) }
}
