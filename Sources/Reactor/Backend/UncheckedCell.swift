/// A value at a fixed place in memory that only one thread uses.
///
/// A stored property of a class is checked for exclusive access at run time, at about 7 ns each.
/// What is touched for each event stands in a cell instead. Its owner must not call out of itself
/// in the middle of an access, as every method here that hands a value to a receiver first ends the
/// access it had.
@safe struct UncheckedCell<Value: ~Copyable>: ~Copyable {
  private let memory: UnsafeMutablePointer<Value>

  init(_ value: consuming Value) {
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: value)
  }

  deinit {
    unsafe memory.deinitialize(count: 1)
    unsafe memory.deallocate()
  }

  var pointee: Value {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe memory }
  }
}
