import Glibc

/// What the address sanitizer's allocator has given out.
enum HeapUse {
  private static let read: @convention(c) () -> UInt = {
    guard let function = unsafe dlsym(nil, "__sanitizer_get_current_allocated_bytes") else {
      fatalError("this is not compiled for the address sanitizer")
    }
    return unsafe unsafeBitCast(function, to: (@convention(c) () -> UInt).self)
  }()

  static var byteCount: Int { Int(read()) }
}
