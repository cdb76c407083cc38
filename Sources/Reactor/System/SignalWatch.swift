internal import CURing
internal import Glibc

/// A signal that asks a process to end.
public enum StopSignal: Sendable, CaseIterable {
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

/// Calls a closure when the process gets a signal, once, on a thread that all watches share,
/// whichever thread the kernel interrupts for it. Any number of watches in a process: a signal is
/// told to each that watches for it and has not been told of one.
///
/// A signal that comes when all watches have been told of one ends the process by its default
/// action, unless it comes within a fifth of a second: a terminal and a program that passes its
/// signals on both send one.
///
/// While a signal is watched for, a handler that the program has installed for it is not called,
/// and SIGTERM is not ignored. SIGINT stays ignored if it was when the watch began, as shells have
/// it for jobs in the background. When the last watch for a signal has been cancelled, its former
/// effect comes back. A forked child watches for nothing until it begins a watch of its own.
public final class SignalWatch: Sendable {
  private let number: UInt64

  /// Begins to watch. Any thread.
  ///
  /// - Parameters:
  ///   - signals: what to watch for.
  ///   - received: is called when one of them has come.
  /// - Throws: if there is no descriptor or no thread for it. The signals then keep the effect that
  ///   they have.
  public init(
    _ signals: [StopSignal], _ received: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    number = try SignalWatcher.shared.add(signals, received)
  }

  /// Ends the watch. `received` is not called any more when this returns; it may call this itself.
  /// Any thread; does nothing the second time.
  public func cancel() {
    SignalWatcher.shared.remove(number)
  }
}
