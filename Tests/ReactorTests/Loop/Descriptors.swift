import Glibc

@testable import Reactor

/// The descriptors of this process. What takes them away from others is for a process of its own.
enum Descriptors {
  /// How many are open.
  static var count: Int { entryCount("/proc/self/fd") }

  /// How many threads there are.
  static var threadCount: Int { entryCount("/proc/self/task") }

  /// Lowers the limit, so that there are few to be taken, but 200 at least. To be called first of all: io_uring goes by
  /// the limit of the time that an accept was started at.
  static func limit() {
    let highest = (0..<Int32(4096)).last { fcntl($0, F_GETFD) >= 0 } ?? 0
    var limit = rlimit()
    getrlimit(resource, &limit)
    limit.rlim_cur = max(256, rlim_t(highest) + 200)
    setrlimit(resource, &limit)
  }

  /// Leaves so many descriptors free and no more. Returns others that can be closed to have more.
  static func leave(_ freeCount: Int) -> [Int32] {
    var taken: [Int32] = []
    while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
    for _ in 0..<freeCount { close(taken.removeLast()) }
    return taken
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  /// How many names a directory has.
  private static func entryCount(_ path: String) -> Int {
    guard let directory = opendir(path) else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
  }
}
