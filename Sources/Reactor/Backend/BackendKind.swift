/// The kernel interfaces a reactor can run on.
public enum BackendKind: String, Sendable, CaseIterable {
  /// io_uring, Linux 6.1 or newer.
  case ioURing = "io_uring"
  /// epoll, any Linux.
  case epoll
}

extension BackendKind {
  /// Makes a backend, on the reactor's thread.
  func make(
    _ configuration: ReactorConfiguration, eventDescriptor: Int32, slab: ConnectionSlab
  ) throws(SystemError) -> any Backend {
    if let substitute = Kernel.substitute {
      return substitute.makeBackend(eventDescriptor: eventDescriptor, slab: slab)
    }
    switch self {
    case .ioURing:
      var ring = IOURingConfiguration()
      ring.receiveBufferCount = configuration.receiveBufferCount
      ring.receiveBufferByteCount = configuration.receiveBufferByteCount
      ring.hotBufferByteCount = configuration.largeReceiveBufferByteCount
      ring.usesDirectDescriptors = configuration.usesDirectDescriptors
      return try IOURingBackend(
        configuration: ring, eventDescriptor: eventDescriptor, slab: slab)
    case .epoll:
      var epoll = EpollConfiguration()
      epoll.receiveBufferByteCount = configuration.largeReceiveBufferByteCount
      return try EpollBackend(
        configuration: epoll, eventDescriptor: eventDescriptor, slab: slab)
    }
  }
}
