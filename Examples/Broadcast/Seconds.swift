import WebSocket

/// Tells everybody who is connected what second it is, from a task that is on no reactor.
enum Seconds {
  static func tell(_ server: Server) {
    Task.detached {
      let clock = ContinuousClock()
      let start = clock.now
      for second in 1... {
        // Until a moment, not for a while: what a pass takes does not add up.
        try await clock.sleep(until: start + .seconds(second))
        server.broadcast("second \(second)")
      }
    }
  }
}
