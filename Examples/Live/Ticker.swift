import WebSocket

/// Publishes a number each second, and what the server did in that second, from a task that is on
/// no reactor.
enum Ticker {
  static func start(_ server: Server, ticks: Topic, figures: Topic, room: Room) {
    Task.detached {
      let clock = ContinuousClock()
      let start = clock.now
      var meter = Meter()
      for number in 1... {
        // Until a moment, not for a while: what a pass takes does not add up.
        try await clock.sleep(until: start + .seconds(number))
        ticks.publish(Event.tick(number))
        let published = [ticks, figures, room.topic].reduce(0) {
          $0 + $1.statistics.publishedCount
        }
        let reading = meter.read(
          server, publishedCount: UInt64(published), visitorCount: room.topic.subscriberCount)
        figures.publish(Event.figures(reading))
      }
    }
  }
}
