internal import CURing
internal import Glibc

/// A signal that asks a process to end.
public enum StopSignal: Sendable {
  /// SIGINT, as by Control-C.
  case interrupt
  /// SIGTERM, as by `kill` or a service manager.
  case terminate

  var number: Int32 {
    switch self {
    case .interrupt: SIGINT
    case .terminate: SIGTERM
    }
  }
}

/// Calls a closure when the process gets a signal, on a thread of its own, whichever thread the
/// kernel interrupts for it. One at a time in a process.
public final class SignalWatch: Sendable {
  private let signals: [StopSignal]
  private let descriptor: Int32
  private let thread: Thread?

  public init(_ signals: [StopSignal], _ received: @escaping @Sendable () -> Void) {
    self.signals = signals
    let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
    self.descriptor = descriptor
    for signal in signals { martlet_signal_watch(signal.number, descriptor) }
    thread = try? Thread.start(name: "signals") {
      var count: UInt64 = 0
      while unsafe read(descriptor, &count, 8) == 8 {
        // `cancel` writes more than any number of signals adds up to.
        if count >= Self.cancelCount { return }
        received()
      }
    }
  }

  /// Gives the signals their former effect back.
  public func cancel() {
    for signal in signals { martlet_signal_unwatch(signal.number) }
    var count = Self.cancelCount
    _ = unsafe write(descriptor, &count, 8)
    thread?.join()
    close(descriptor)
  }

  private static var cancelCount: UInt64 { 1 << 32 }
}
