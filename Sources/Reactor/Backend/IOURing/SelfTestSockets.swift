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

/// A listening socket with an address of the kernel's choice, which no file system and no network
/// sees.
@safe struct LocalListener: ~Copyable {
  let descriptor: Int32
  private let address: UnsafeMutablePointer<sockaddr_un>
  private let addressByteCount: socklen_t

  init() throws(SystemError) {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let listener = socket(AF_UNIX, type, 0)
    guard listener >= 0 else { throw .current("socket") }
    let address = UnsafeMutablePointer<sockaddr_un>.allocate(capacity: 1)
    unsafe address.initialize(to: sockaddr_un())
    unsafe address.pointee.sun_family = sa_family_t(AF_UNIX)
    var byteCount = socklen_t(MemoryLayout<sockaddr_un>.size)
    let general = unsafe UnsafeMutableRawPointer(address).assumingMemoryBound(to: sockaddr.self)
    // Nothing but the family: the kernel chooses a name.
    guard unsafe bind(listener, general, socklen_t(MemoryLayout<sa_family_t>.size)) == 0,
      listen(listener, 4) == 0, unsafe getsockname(listener, general, &byteCount) == 0
    else {
      let error = SystemError.current("listen")
      Glibc.close(listener)
      unsafe address.deallocate()
      throw error
    }
    descriptor = listener
    unsafe self.address = unsafe address
    addressByteCount = byteCount
  }

  deinit {
    Glibc.close(descriptor)
    unsafe address.deallocate()
  }

  func connect() throws(SystemError) -> Int32 {
    let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard client >= 0 else { throw .current("socket") }
    let general = unsafe UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
    guard unsafe Glibc.connect(client, general, addressByteCount) == 0 else {
      let error = SystemError.current("connect")
      Glibc.close(client)
      throw error
    }
    return client
  }
}
