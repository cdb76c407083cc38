internal import CURing
internal import Glibc

/// A thread of the operating system.
struct Thread: Sendable {
  let handle: pthread_t

  /// The signals that a thread does not receive.
  enum SignalMask {
    /// All that are meant for the process: they stay with the threads it had before. Those that a
    /// thread causes itself (SIGSEGV, ...) still reach their handlers.
    case all
    /// Those that both the thread that starts it and the main thread have blocked. For threads that run code of the
    /// program: a child process that it starts inherits the mask, and could not be ended by a signal that is blocked. What the
    /// program has blocked everywhere, to wait for it (sigwait), stays so; tasks and dispatch
    /// queues have threads with everything blocked, which means nothing.
    case handlers
  }

  /// Starts a thread that runs `body` and ends with it. The name is cut to the 15 bytes that Linux
  /// keeps. To be joined, once, or to be detached.
  static func start(
    name: String, blocking mask: SignalMask = .all, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> Thread {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var handle = pthread_t()
    let before = block(mask)
    let code = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        Thread.name(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    restoreSignals(before)
    guard code == 0 else {
      unsafe start.release()
      throw SystemError(
        "pthread_create", code: code,
        advice: code == EAGAIN ? "Raise the limit of processes (ulimit -u, pids.max)." : nil)
    }
    return Thread(handle: handle)
  }

  /// Blocks until the thread has ended.
  func join() {
    let code = pthread_join(handle, nil)
    precondition(code == 0, "a thread is joined once, and not by itself")
  }

  /// Lets the thread end by itself. Instead of `join`.
  func detach() {
    pthread_detach(handle)
  }

  /// Makes the calling thread run on one CPU only.
  static func pinCurrent(to cpu: Int) throws(SystemError) {
    try CPUSet([cpu]).bindCurrentThread()
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private static func name(_ name: String) {
    let cut = String(decoding: name.utf8.prefix(15), as: UTF8.self)
    unsafe martlet_thread_set_name(cut)
  }

  /// A thread inherits its signal mask from the one that starts it.
  private static func block(_ mask: SignalMask) -> sigset_t {
    var blocked = sigset_t()
    var before = sigset_t()
    switch mask {
    case .all:
      unsafe sigfillset(&blocked)
      for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGQUIT, SIGSYS, SIGPROF] {
        unsafe sigdelset(&blocked, signal)
      }
      _ = unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    case .handlers:
      _ = unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
      let main = mainThreadMask()
      for signal in 1...64 where main >> UInt64(signal - 1) & 1 == 0 {
        unsafe sigdelset(&blocked, Int32(signal))
      }
      _ = unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    }
    return before
  }

  /// A bit for each signal. All, if it cannot be found out.
  private static func mainThreadMask() -> UInt64 {
    let lines = TextFile.read("/proc/self/status")?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("SigBlk:\t") }
    return line.flatMap { UInt64($0.dropFirst(8), radix: 16) } ?? .max
  }

  private static func restoreSignals(_ before: sigset_t) {
    var before = before
    _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
