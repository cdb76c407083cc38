/// Where a connection's record is.
///
/// Safe to use on the reactor's thread as long as the reactor lives, since a slab neither moves nor frees
/// a record before. The record may by then be another connection's: compare generations.
@safe struct ConnectionPointer: Equatable {
  private let memory: UnsafeMutablePointer<ConnectionRecord>

  init(_ memory: UnsafeMutablePointer<ConnectionRecord>) {
    unsafe self.memory = memory
  }

  var pointee: ConnectionRecord {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe memory }
  }

  /// Where the handler's bytes of this connection begin: right behind the record.
  var attachment: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(memory + 1)
  }

  static func == (one: ConnectionPointer, other: ConnectionPointer) -> Bool {
    unsafe one.memory == other.memory
  }
}
