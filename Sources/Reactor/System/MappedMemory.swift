internal import Glibc

/// Whole pages of zeroed memory, owned by the caller.
func mapMemory(byteCount: Int) throws(SystemError) -> UnsafeMutableRawPointer {
  let memory = unsafe mmap(
    nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw .current("mmap") }
  return unsafe memory
}
