internal import CURing
internal import Glibc
internal import Synchronization

/// Memory for segments that very many connections are to be sent: that of a file without a name, so
/// that sockets can be given its pages (sendfile(2)) instead of copies of them.
///
/// What makes that right is that a place in the file is used once. Pages that are given back leave
/// the file for good, and those that sockets still refer to live on, unchanged, until the peer has
/// what is in them. They must be small pages: of a huge one in part in use elsewhere, the kernel
/// would only zero what is given back, under the sockets' eyes.
@safe final class LogFile: Sendable {
  /// Nil: this system has none, so that all segments are ordinary memory.
  static var shared: LogFile? { Simulation.current == nil ? kernels : simulated }
  private static let kernels = LogFile()
  private static let simulated = LogFile(descriptor: -1)

  /// Whether this process has a backend that sends from it. Without one there is no use for it.
  static var isUsed: Bool {
    get { hasUser.load(ordering: .relaxed) || Simulation.current != nil }
    set { hasUser.store(newValue, ordering: .relaxed) }
  }
  private static let hasUser = Atomic<Bool>(false)

  /// When a topic's segments lie in it.
  struct Use {
    /// From so many subscribers on: fewer do not make up for mapping them.
    var subscriberCountMin = 256
    /// Not before a topic has filled smaller ones in a row, up to so many bytes.
    var growthByteCountMin = 8 * 1024
  }
  static var use: Use { Simulation.current?.file.use ?? Use() }

  let descriptor: Int32
  /// Places before it have been used.
  private let end = Atomic<Int>(0)
  /// Pieces mapped now. Bounded, since the kernel allows a process about 65,000 mappings.
  private let mappedCount = Atomic<Int>(0)
  /// Whether pages could be given back so far. What cannot would stay in memory for good.
  private let givesBack = Atomic<Bool>(true)
  /// A forked process has the same file, whose places are its parent's.
  private let process = getpid()
  private static let mappedCountMax = 4096

  /// All the places there will ever be: enough for 100 years at a GB per second.
  private static let byteCount = 1 << 62
  private static let pageByteCount = getpagesize()

  @safe struct Piece {
    let address: UnsafeMutableRawPointer
    let byteCount: Int
    let offset: Int
  }

  /// Nil: refused by the kernel, a sandbox or a limit, or shared memory consists of huge pages.
  init?() {
    guard !Self.hasHugePages, !Self.hasSizeLimit else { return nil }
    descriptor = unsafe martlet_memory_file_open("martlet-log", Int64(Self.byteCount))
    guard descriptor >= 0 else { return nil }
    // A trial: kernels before 5.14 cannot promise that the pages are there, and a sandbox may refuse
    // to have them back.
    if let piece = take(Int(Self.pageByteCount)) { giveBack(piece) } else { refuse() }
    guard givesBack.load(ordering: .relaxed) else {
      close(descriptor)
      return nil
    }
  }

  private init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Memory for at least so many bytes, zeroed. Nil: not now. Any thread.
  func take(_ byteCount: Int) -> Piece? {
    if let simulation = Simulation.current { return simulation.file.take(byteCount) }
    guard givesBack.load(ordering: .relaxed), process == getpid() else { return nil }
    let pageByteCount = Int(Self.pageByteCount)
    let rounded = (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
    guard mappedCount.add(1, ordering: .relaxed).newValue <= Self.mappedCountMax else {
      mappedCount.subtract(1, ordering: .relaxed)
      return nil
    }
    let offset = end.add(rounded, ordering: .relaxed).oldValue
    guard let address = unsafe martlet_memory_file_map(descriptor, Int64(offset), rounded) else {
      mappedCount.subtract(1, ordering: .relaxed)
      return nil
    }
    return unsafe Piece(address: address, byteCount: rounded, offset: offset)
  }

  /// Gives the kernel back what `take` has returned. Any thread.
  func giveBack(_ piece: Piece) {
    guard piece.offset < SimulatedFile.firstOffset else { return SimulatedFile.giveBack(piece) }
    let result = unsafe martlet_memory_file_unmap(
      descriptor, piece.address, Int64(piece.offset), piece.byteCount)
    if result < 0 { refuse() }
    mappedCount.subtract(1, ordering: .relaxed)
  }

  private func refuse() {
    givesBack.store(false, ordering: .relaxed)
  }

  /// Whether this system is set up to use huge pages for files in memory without being asked. Single
  /// mappings can be kept out of it, and are; but nothing is lost by staying away altogether.
  private static var hasHugePages: Bool {
    let setting = TextFile.read("/sys/kernel/mm/transparent_hugepage/shmem_enabled") ?? ""
    return ["[always]", "[within_size]", "[force]"].contains { setting.contains($0) }
  }

  /// A limit of the length of files (RLIMIT_FSIZE): to go beyond it raises a signal.
  private static var hasSizeLimit: Bool {
    var limit = rlimit()
    _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    return limit.rlim_cur != rlim_t.max
  }
}
