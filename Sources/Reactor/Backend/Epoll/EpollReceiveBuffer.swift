internal import CURing
internal import Glibc

/// The memory that all connections are received into, one after the other.
@safe struct EpollReceiveBuffer: ~Copyable {
  /// Where received bytes begin: at a page, with more than `Reactor.receiveHeadroom` bytes in
  /// front.
  let start: UnsafeMutableRawPointer
  let byteCount: Int

  /// The end of what has been written since the memory was last given back.
  private var touchedByteCount = 0
  /// The end of what has been written since the last `trim`.
  private var usedByteCount = 0

  private static let pageByteCount = 4096

  init(byteCount: Int) throws(SystemError) {
    let pages = (byteCount + Self.pageByteCount - 1) / Self.pageByteCount
    self.byteCount = byteCount
    let memory = unsafe mmap(
      nil, Self.pageByteCount * (pages + 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
      -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      throw .current("mmap of the receive buffer")
    }
    unsafe start = memory + Self.pageByteCount
  }

  deinit {
    let pages = (byteCount + Self.pageByteCount - 1) / Self.pageByteCount
    _ = unsafe munmap(start - Self.pageByteCount, Self.pageByteCount * (pages + 1))
  }

  /// Whether there is memory that `trim` gives back if it is not used meanwhile.
  var holdsMemory: Bool { touchedByteCount > 0 }

  /// Notes that so many bytes have been received.
  @inline(__always)
  mutating func use(_ count: Int) {
    if count > usedByteCount {
      usedByteCount = count
      touchedByteCount = max(touchedByteCount, count)
    }
  }

  /// Gives back the memory that has not been used since the last time. Returns whether there was
  /// any.
  mutating func trim() -> Bool {
    let mask = Self.pageByteCount - 1
    let kept = (usedByteCount + mask) & ~mask
    let isTouchedBeyond = touchedByteCount > kept
    if isTouchedBeyond {
      _ = unsafe madvise(start + kept, touchedByteCount - kept, MADV_DONTNEED)
    }
    touchedByteCount = usedByteCount
    usedByteCount = 0
    return isTouchedBeyond
  }
}
