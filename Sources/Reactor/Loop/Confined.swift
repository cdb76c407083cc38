/// A value at a fixed address that only one thread touches.
///
/// A class's stored property costs a dynamic exclusivity check at each access (7 ns measured,
/// against 1 ns here). In exchange the owner must free it by `deallocate`, once, and not use it
/// afterwards.
@safe public struct Confined<Value: ~Copyable> {
  private let memory: UnsafeMutablePointer<Value>

  public init(_ value: consuming Value) {
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: value)
  }

  public var value: Value {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe memory }
  }

  public func deallocate() {
    unsafe memory.deinitialize(count: 1)
    unsafe memory.deallocate()
  }
}
