import CProcess
import Glibc
import Testing

@testable import Reactor

@Suite("The log's file")
struct LogFileTests {
  /// Bytes of memory that a file has.
  private func byteCount(of file: LogFile) -> Int {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { return -1 }
    return Int(status.st_blocks) * 512
  }

  @Test("lends whole pages, zeroed and present, and takes their memory back")
  func memory() throws {
    let file = try #require(LogFile())
    #expect(byteCount(of: file) == 0)
    let piece = try #require(file.take(100_000))
    #expect(piece.byteCount == 25 * 4096 || piece.byteCount % Int(getpagesize()) == 0)
    #expect(byteCount(of: file) == piece.byteCount)
    let bytes = UnsafeMutableRawBufferPointer(start: piece.address, count: piece.byteCount)
    #expect(bytes.allSatisfy { $0 == 0 })
    memset(piece.address, 1, piece.byteCount)
    file.giveBack(piece)
    #expect(byteCount(of: file) == 0)
  }

  @Test("never lends a place again")
  func places() throws {
    let file = try #require(LogFile())
    var end = 0
    for _ in 0..<1000 {
      let piece = try #require(file.take(5000))
      #expect(piece.offset >= end)
      end = piece.offset + piece.byteCount
      file.giveBack(piece)
    }
  }

  @Test("lends a bounded number of pieces, and more when some have come back")
  func bound() throws {
    let file = try #require(LogFile())
    var pieces: [LogFile.Piece] = []
    while pieces.count < 10_000, let piece = file.take(1) { pieces.append(piece) }
    #expect((1000...5000).contains(pieces.count))
    file.giveBack(pieces.removeLast())
    pieces.append(try #require(file.take(1)))
    #expect(file.take(1) == nil)
    for piece in pieces { file.giveBack(piece) }
    #expect(byteCount(of: file) == 0)
  }

  @Test("is not seen by a forked process, which would share what it changes")
  func fork() throws {
    let file = try #require(LogFile())
    let piece = try #require(file.take(4096))
    let child = process_fork()
    if child == 0 { _exit(msync(piece.address, 4096, MS_ASYNC) < 0 && errno == ENOMEM ? 7 : 1) }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    #expect(status >> 8 == 7)
    file.giveBack(piece)
  }

  @Test("is done without where files may not be so long, or none can be opened")
  func refused() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        for limit in [RLIMIT_FSIZE, RLIMIT_NOFILE] {
          var values = rlimit()
          getrlimit(__rlimit_resource_t(limit.rawValue), &values)
          var low = values
          low.rlim_cur = limit == RLIMIT_FSIZE ? 1 << 30 : 0
          setrlimit(__rlimit_resource_t(limit.rawValue), &low)
          guard LogFile() == nil else { exit(2) }
          setrlimit(__rlimit_resource_t(limit.rawValue), &values)
          guard LogFile() != nil else { exit(3) }
        }
      }
    }
  }

  @Test("is done without where its pages cannot be given back, also when that turns out late")
  func keeping() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        guard let file = LogFile(), let piece = file.take(1) else { exit(2) }
        forbidGivingPagesBack()
        guard LogFile() == nil else { exit(3) }
        guard let other = file.take(1) else { exit(4) }
        file.giveBack(piece)
        guard file.take(1) == nil else { exit(5) }
        file.giveBack(other)
      }
    }
  }

  @Test("lends nothing to a forked process")
  func lendingAfterFork() throws {
    let file = try #require(LogFile())
    let child = process_fork()
    if child == 0 { _exit(file.take(1) == nil ? 7 : 1) }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    #expect(status >> 8 == 7)
  }

  @Test("lends nothing when there is no room to map it, and a segment is ordinary memory then")
  func unmappable() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        guard let file = LogFile() else { exit(2) }
        let inFile = LogSegmentPointer(capacity: 100_000, in: file)
        guard inFile.pointee.fileOffset != nil else { exit(3) }
        var limit = rlimit(rlim_cur: 1 << 20, rlim_max: .max)
        getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        limit.rlim_cur = 1 << 20
        // Freed memory, for the segment.
        free(malloc(100_000))
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        guard file.take(100_000) == nil else { exit(4) }
        let segment = LogSegmentPointer(capacity: 1000, in: file)
        guard segment.pointee.fileOffset == nil else { exit(5) }
        segment.releaseChain()
      }
    }
  }
}
