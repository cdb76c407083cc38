internal import CURing
internal import Glibc

/// A thread of the operating system.
struct Thread: Sendable {
  private let handle: pthread_t

  /// Starts a thread that runs `body` and ends with it. The name is cut to the 15 bytes that Linux
  /// keeps. To be joined, once.
  ///
  /// Signals meant for the process stay with the threads it had before, so that a reactor's system
  /// calls are not interrupted; those that a thread causes itself (SIGSEGV, ...) still reach their
  /// handlers.
  static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> Thread {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var handle = pthread_t()
    let before = blockSignals()
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
  private static func blockSignals() -> sigset_t {
    var blocked = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGQUIT, SIGSYS, SIGPROF] {
      unsafe sigdelset(&blocked, signal)
    }
    _ = unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    return before
  }

  private static func restoreSignals(_ before: sigset_t) {
    var before = before
    _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
