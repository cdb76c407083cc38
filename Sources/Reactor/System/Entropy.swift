internal import Glibc

/// Bytes that nobody can predict.
package enum Entropy {
  /// Fills up to 256 bytes from the kernel's generator.
  package static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    if let substitute = Kernel.substitute { return unsafe substitute.fill(bytes) }
    guard let start = bytes.baseAddress else { return }
    let result = unsafe getentropy(start, bytes.count)
    precondition(result == 0, "the kernel has no randomness")
  }
}
