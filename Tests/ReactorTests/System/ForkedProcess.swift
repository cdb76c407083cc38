import CProcess
import Glibc
import Testing

@testable import Reactor

/// Runs `body` in a child of this process, and ends this process as the child has ended. To be called in an exit test,
/// by what counts descriptors or uses them up.
///
/// An exit test's process is not enough: its runtime has a thread that opens a file now and then to look at how busy
/// the process is, and that traps when there is no descriptor for it. A child has only the thread that made it. Should
/// another thread have held a lock at the fork, the child may wait for it for ever: it is killed then, and the test fails.
func inForkedProcess(_ body: () throws -> Void) throws -> Never {
  let child = process_fork()
  guard child != 0 else {
    process_become_expendable()
    do {
      try body()
      exit(EXIT_SUCCESS)
    } catch {
      Issue.record(error)
      exit(EXIT_FAILURE)
    }
  }
  try #require(child > 0)
  var status: Int32 = 0
  let deadline = MonotonicClock.nowNanoseconds() + 200_000_000_000
  while waitpid(child, &status, WNOHANG) != child {
    guard MonotonicClock.nowNanoseconds() < deadline else {
      kill(child, SIGKILL)
      _ = waitpid(child, &status, 0)
      exit(124)
    }
    usleep(1000)
  }
  let signal = status & 0x7F
  exit(signal == 0 ? status >> 8 & 0xFF : 128 + signal)
}
