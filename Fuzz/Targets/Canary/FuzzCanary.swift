/// Fails on purpose, in both of the ways in which a find shows: `scripts/fuzz` runs it first, and
/// trusts no other result if it passes.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let bytes = input.bytes()
  if bytes == Array("write behind the end".utf8) { unsafe writeBehindTheEnd() }

  // No random input begins like this: only a fuzzer that sees which branches an input takes gets
  // there, byte by byte.
  guard bytes.count > 3, bytes[0] == UInt8(ascii: "s") else { return 0 }
  guard bytes[1] == UInt8(ascii: "i") else { return 0 }
  guard bytes[2] == UInt8(ascii: "n") else { return 0 }
  promise("the canary keeps quiet", bytes[3] != UInt8(ascii: "g"))
  return 0
}

@unsafe @inline(never)
private func writeBehindTheEnd() {
  var bytes = HeapBytes([1, 2, 3])
  let end = bytes.byteCount
  var span = bytes.mutableSpan
  unsafe span.withUnsafeMutableBytes { memory in
    unsafe memory.baseAddress?.storeBytes(of: 4, toByteOffset: end, as: UInt8.self)
  }
}
