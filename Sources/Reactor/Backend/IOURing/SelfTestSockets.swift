internal import CURing
internal import Glibc

/// Two connected sockets, closed with this.
struct SocketPair: ~Copyable {
  private(set) var descriptor: Int32
  let peer: Int32

  init() throws(SystemError) {
    var pair: (Int32, Int32) = (-1, -1)
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let result = unsafe withUnsafeMutableBytes(of: &pair) {
      unsafe socketpair(AF_UNIX, type, 0, $0.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard result == 0 else { throw .current("socketpair") }
    (descriptor, peer) = pair
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
    Glibc.close(peer)
  }

  /// Leaves the file to whoever else holds it.
  mutating func closeDescriptor() {
    Glibc.close(descriptor)
    descriptor = -1
  }

  var file: Submission.File { .init(descriptor: descriptor, isDirect: false) }

  /// Whether so many bytes, at most 128, have arrived at the peer.
  func peerReads(_ count: Int) -> Bool {
    var bytes = InlineArray<128, UInt8>(repeating: 0)
    let read = unsafe recv(peer, &bytes, 128, Int32(MSG_DONTWAIT))
    return read == count
  }

  /// Whether the peer has seen the end.
  var hasPeerEnded: Bool {
    var byte: UInt8 = 0
    return unsafe recv(peer, &byte, 1, Int32(MSG_DONTWAIT)) == 0
  }
}
