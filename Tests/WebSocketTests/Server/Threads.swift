import Glibc

/// Threads of the tests' own, which may block.
enum Threads {
  /// Runs a body on so many threads at once, with the number of each, and waits for all.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { number in start { body(number) } }
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Starts a thread. To be joined.
  static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      {
        Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body()
        return nil
      }, box)
    precondition(result == 0, "no thread")
    return thread
  }

  private final class Box {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }
}
