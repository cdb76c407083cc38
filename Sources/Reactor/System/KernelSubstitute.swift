internal import CURing

/// Takes the kernel's place for one thread: sockets in memory, and a clock and randomness that a test determines.
///
/// The reactor asks the thread's substitute, if there is one, where it would make a system call. This module
/// implements none: target `ReactorSimulation` does, which no product contains.
package protocol KernelSubstitute: AnyObject {
  /// The time of the monotonic clock, in nanoseconds.
  var nowNanoseconds: Int64 { get }
  /// Fills memory with random bytes.
  func fill(_ bytes: UnsafeMutableRawBufferPointer)

  /// The number that all descriptors are below: RLIMIT_NOFILE.
  var descriptorLimit: Int { get }
  /// The descriptor that the next socket gets. Nil: there is none left.
  var nextDescriptor: Int32? { get }
  /// Makes a socket. Returns its descriptor.
  func openSocket() throws(SystemError) -> Int32
  /// The open socket with this descriptor.
  func socket(_ descriptor: Int32) -> (any SocketSubstitute)?

  func makeBackend(eventDescriptor: Int32, slab: ConnectionSlab) -> any Backend
  /// Does what a write to an eventfd does: ends the wait of the reactor that has it.
  func signal(_ eventDescriptor: Int32)
  /// Runs a reactor that would have a thread of its own otherwise.
  func run(_ loop: ReactorLoop)
  /// Whether a part of a pass has taken all the time that it may, since the clock does not show it.
  func spendsBudget() -> Bool
  /// Lets other threads and reactors run. Called where a thread that posts may be interrupted for a long time.
  func preempt()
}

/// An open socket of a `KernelSubstitute`: does what the system calls of the same names do.
package protocol SocketSubstitute: AnyObject {
  /// Returns errno, or 0.
  func bind(to address: SocketAddress) -> Int32
  /// Returns errno, or 0.
  func listen(backlogCount: Int) -> Int32
  /// Returns errno, EINPROGRESS as a rule, or 0.
  func connect(to address: SocketAddress) -> Int32
  func peerAddress() throws(SystemError) -> SocketAddress
  var localAddress: SocketAddress { get }
  func set(_ option: SocketOption, to value: Int32)
  /// The value of SO_ERROR, which is 0 afterwards.
  func takeError() -> Int32
  var bytes: SocketBytes { get }
  func shutdownSending()
  /// Has `close` send RST.
  func resetAtClose()
  func close(afterDroppingInput: Bool)
}

package enum Kernel {
  /// Descriptors of a substitute begin here, beyond all that the kernel gives: the kernel refuses one that is passed
  /// to a system call by mistake.
  package static let firstSubstituteDescriptor: Int32 = 1 << 30

  /// The calling thread's substitute. Nil: the thread uses the kernel.
  package static var substitute: (any KernelSubstitute)? {
    @inline(__always) get {
      guard let place = unsafe martlet_thread_kernel_substitute() else { return nil }
      return unsafe Unmanaged<Place>.fromOpaque(place).takeUnretainedValue().substitute
    }
  }

  /// Calls `body` with a substitute in the kernel's place on the calling thread.
  package static func run<Result, Failure>(
    with substitute: any KernelSubstitute, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = unsafe martlet_thread_kernel_substitute()
    let place = Place(substitute)
    unsafe martlet_thread_set_kernel_substitute(Unmanaged.passUnretained(place).toOpaque())
    defer {
      withExtendedLifetime(place) { unsafe martlet_thread_set_kernel_substitute(before) }
    }
    return try body()
  }

  /// A thread-local variable holds one pointer, an existential has two.
  private final class Place {
    let substitute: any KernelSubstitute

    init(_ substitute: any KernelSubstitute) {
      self.substitute = substitute
    }
  }
}
