import CURing
import Glibc
import Testing

@testable import Reactor

/// The backends that the contract is tested on.
enum TestBackend {
  static let kinds = BackendKind.allCases

  static func make(
    _ kind: BackendKind, eventDescriptor: Int32, slab: ConnectionSlab
  ) throws -> any Backend {
    switch kind {
    case .epoll:
      try EpollBackend(
        configuration: EpollConfiguration(), eventDescriptor: eventDescriptor, slab: slab)
    case .ioURing:
      try IOURingBackend(
        configuration: IOURingConfiguration(), eventDescriptor: eventDescriptor, slab: slab)
    }
  }
}

/// How two ends are connected.
enum Transport: CaseIterable {
  case tcp, unix

  /// A connected pair: what the backend is to adopt, and the client's end.
  func makePair() throws -> (server: Socket, client: Socket) {
    switch self {
    case .tcp:
      var options = ListenerOptions()
      options.isKeptAlive = false
      let listener = try Listener.open(.loopback(port: 0), options: options)
      defer { listener.close() }
      let client = try TestSocket.connect(listener.address)
      return (try TestSocket.accept(listener), client)
    case .unix:
      var ends: [Int32] = [-1, -1]
      let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
      guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
        throw SystemError.current("socketpair")
      }
      return (Socket(ends[0]), Socket(ends[1]))
    }
  }
}
