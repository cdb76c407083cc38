import WebSocket

/// Makes connections to the fuzzing server, which says by the path what each is for.
struct Visitor {
  /// One connection, and who waits for its end.
  struct Visit {
    let ended: CheckedContinuation<Result<String, ConnectFailure>, Never>
    /// The last text message.
    var text = ""
  }

  private let url: String
  private let agent: String
  private let client: Client<Visit>

  init(_ options: Options) throws(SystemError) {
    url = options.url
    agent = options.agent
    client = try Client(options.configuration, state: Visit.self) { on in
      on.received = { connection, message, visit in
        if message.kind == .text { visit.text = message.text }
        connection.send(message)
      }
      on.closed = { _, _, visit in visit.ended.resume(returning: .success(visit.text)) }
    }
  }

  /// Connects, echoes, and returns when the connection has ended.
  ///
  /// - Returns: the last text that came.
  func visit(_ target: String) async throws -> String {
    let result: Result<String, ConnectFailure> = await withCheckedContinuation { ended in
      var options = DialOptions()
      options.attemptFailed = { failure, _ in ended.resume(returning: .failure(failure)) }
      do {
        try client.connect(to: url + target, options: options, state: Visit(ended: ended))
      } catch {
        preconditionFailure("\(url + target) is no URL of a WebSocket: \(error)")
      }
    }
    return try result.get()
  }

  /// Plays the cases from 1 to `count`, so many of them at once.
  func playCases(_ count: Int, atOnce parallelCount: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...count {
        if number > parallelCount { try await group.next() }
        group.addTask { _ = try await visit("/runCase?case=\(number)&agent=\(agent)") }
      }
      try await group.waitForAll()
    }
  }
}
