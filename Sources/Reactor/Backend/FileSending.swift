internal import CURing
internal import Glibc

extension SendBatch {
  /// Sends a batch that lies in the log's file: the socket is given the file's pages. As send(2) with
  /// `MSG_DONTWAIT`: fewer bytes than all only if the socket takes no more for now, -1 with errno
  /// if it takes none. The socket does not block, and the thread has SIGPIPE blocked.
  func sendFromFile(to descriptor: Int32, _ counts: inout FileSendCounts) -> Int {
    guard let file = LogFile.shared, let start = fileOffset else { preconditionFailure("no file") }
    var offset = Int64(start)
    while true {
      counts.systemCallCount &+= 1
      let count = unsafe martlet_memory_file_send(
        file.descriptor, &offset, start + byteCount - Int(offset), descriptor)
      let sent = Int(offset) - start
      if count > 0 {
        // It moves some pages at a time, and may stop before the socket is full.
        guard sent == byteCount else { continue }
        counts.sendCount &+= 1
        return sent
      }
      if count < 0 {
        switch errno {
        case EINTR: continue
        case EAGAIN:
          if sent > 0 { counts.sendCount &+= 1 }
          return sent > 0 ? sent : -1
        case EPIPE, ECONNRESET, ETIMEDOUT: return -1
        default: break
        }
      }
      // The file or the kernel is the matter, or the socket: a plain send knows.
      counts.systemCallCount &+= 1
      let first = unsafe vectors[0]
      let rest = unsafe Glibc.send(
        descriptor, first.iov_base + sent, first.iov_len - sent,
        Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      if rest >= 0 { return sent + rest }
      if errno == EINTR { continue }
      return errno == EAGAIN && sent > 0 ? sent : -1
    }
  }
}

/// What sending from the log's file has taken.
struct FileSendCounts {
  var systemCallCount: UInt64 = 0
  /// Sends that gave a socket pages.
  var sendCount: UInt64 = 0
}
