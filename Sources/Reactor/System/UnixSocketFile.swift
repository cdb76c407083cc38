internal import CURing
internal import Glibc

/// The file that names a listening Unix socket.
///
/// It outlives its socket and must be gone before the next bind; but a file whose socket somebody
/// still listens at, or that another socket has taken since, must stay.
struct UnixSocketFile: Sendable {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// The file at a path, or nil when there is none.
  init?(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    self.path = path
    device = status.st_dev
    inode = status.st_ino
  }

  /// Removes the file, if it is still the same.
  func remove() {
    guard let now = UnixSocketFile(path), now.device == device, now.inode == inode else { return }
    _ = unsafe unlink(path)
  }

  /// Gives the file at `path` the permissions and the owner that are asked for.
  static func set(_ options: ListenerOptions, at path: String) throws(SystemError) {
    guard
      options.unixSocketMode != nil || options.unixSocketOwner != nil
        || options.unixSocketGroup != nil
    else { return }
    let result = unsafe martlet_socket_file_set(
      path, options.unixSocketOwner.map { Int64($0) } ?? -1,
      options.unixSocketGroup.map { Int64($0) } ?? -1,
      options.unixSocketMode.map { Int32($0 & 0o7777) } ?? -1)
    guard result == 0 else {
      let advice: String? =
        errno == EPERM ? "To give it away needs CAP_CHOWN, or a group of the process's own." : nil
      throw SystemError("set the permissions of \(path)", code: errno, advice: advice)
    }
  }

  /// Removes a left-over file at `path`, and binds a new one by `bind`. Of several processes that
  /// do so at once, one wins and the others find the address in use.
  static func replacing<Result: ~Copyable>(
    _ path: String, bind: () throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    let lock = try lockDirectory(of: path)
    defer { if lock >= 0 { _ = Glibc.close(lock) } }
    try removeLeftOver(path)
    return try bind()
  }

  /// Without it two processes could both find a left-over file, and the slower one remove the file
  /// that the quicker one has just bound. -1: a directory that cannot be locked, where the risk is
  /// taken.
  private static func lockDirectory(of path: String) throws(SystemError) -> Int32 {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    for _ in 0..<lockAttemptCount {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      usleep(lockPauseMicroseconds)
    }
    _ = Glibc.close(descriptor)
    guard errno == EWOULDBLOCK || errno == EINTR else { return -1 }
    throw SystemError(
      "lock \(directory)", code: EADDRINUSE, advice: "Another process holds the lock for too long.")
  }

  private static let lockAttemptCount = 200
  private static let lockPauseMicroseconds: UInt32 = 10_000

  private static func removeLeftOver(_ path: String) throws(SystemError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw SystemError(
        "listen at unix:\(path)", code: EADDRINUSE, advice: "The path names a file, not a socket.")
    }
    guard try !isAnswering(path) else {
      throw SystemError(
        "listen at unix:\(path)", code: EADDRINUSE, advice: "Another program listens there.")
    }
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw .current("remove the left-over \(path)")
    }
  }

  /// Whether somebody listens at a socket file. Only a refusal proves that nobody does: a full
  /// backlog or a lack of rights does not.
  private static func isAnswering(_ path: String) throws(SystemError) -> Bool {
    let kernel = try KernelSocketAddress(.unixPath(path))
    let socket = try Socket.open(family: AF_UNIX)
    defer { socket.close() }
    let result = unsafe kernel.withPointer { unsafe connect(socket.descriptor, $0, $1) }
    return result == 0 || (errno != ECONNREFUSED && errno != ENOENT)
  }
}
