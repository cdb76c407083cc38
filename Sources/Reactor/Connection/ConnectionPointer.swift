/// A connection, as the reactor that owns it and its handler see it.
///
/// To be used on the reactor's thread only, and not after `ConnectionHandler.closed`: by then its
/// record may be another connection's. What may be kept, and used from anywhere, is a
/// `ConnectionID`.
@safe public struct ConnectionPointer: Equatable, BitwiseCopyable {
  @usableFromInline let memory: UnsafeMutablePointer<ConnectionRecord>

  /// Safe as long as the reactor lives: a slab neither moves nor frees a record before.
  @inlinable
  init(_ memory: UnsafeMutablePointer<ConnectionRecord>) {
    unsafe self.memory = memory
  }

  @usableFromInline package var pointee: ConnectionRecord {
    @inlinable unsafeAddress { unsafe UnsafePointer(memory) }
    @inlinable nonmutating unsafeMutableAddress { unsafe memory }
  }

  /// The bytes that the handler asked to have with each connection. Theirs is the handler's affair:
  /// it initializes them in `accepted` and deinitializes them in `closed`.
  @unsafe @inlinable public var attachment: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(memory + 1)
  }

  /// Whether both name the same record. It may be another connection's by now.
  public static func == (one: ConnectionPointer, other: ConnectionPointer) -> Bool {
    unsafe one.memory == other.memory
  }
}
