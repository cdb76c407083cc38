import Glibc
import Testing
import WebSocket

@Suite("Races of dials", .serialized)
struct DialRaceTests {
  @Test(
    "with sends, closes, cancelling and the end of the client end each of them once",
    arguments: backends)
  func all(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false,
      handle: { on, _ in
        on.received = { connection, message, _ in
          connection.send(message)
          if message.bytes.byteCount == 7 { connection.close(.goingAway) }
        }
      }
    ) { running in
      for round in 0..<3 {
        try dialing(on: kind, configure: { $0.reactor.reactorCount = 2 }) { dialer in
          let tally = Tally()
          let ended = Locked(0)
          let count = RaceSize.connectionCount / 8
          Threads.run(8) { thread in
            for number in 0..<count {
              if thread == 7, number == count / 2, round == 2 { dialer.client.stop() }
              let port = number % 16 == 3 ? 1 : running.port
              guard let dial = try? start(dialer, port, reconnects: number % 3 == 0) else {
                continue
              }
              use(dial, thread + number, tally)
              if number % 2 == 0 { usleep(UInt32(number % 7) * 100) }
              dial.cancel()
              _ = try? dial.waitUntilOpen()
              ended.withLock { $0 += 1 }
            }
          }
          #expect(ended.withLock { $0 } == 8 * count)
          #expect(eventually { tally.isSettled })
          // One cancelling was enough, whenever it came.
          #expect(eventually { dialer.connectionCount == 0 })
        }
      }
    }
  }

  private func start(_ dialer: RunningClient, _ port: UInt16, reconnects: Bool) throws -> Dial {
    try dialer.dial("ws://127.0.0.1:\(port)/") {
      guard reconnects else { return }
      $0.reconnect = ReconnectPolicy()
      $0.reconnect?.delayMilliseconds = 1
      $0.reconnect?.failureCountMax = 3
    }
  }

  /// Does with a dial and its connection what a thread may.
  private func use(_ dial: Dial, _ number: Int, _ tally: Tally) {
    if number % 4 == 0 { return }
    guard let connection = try? dial.waitUntilOpen() else { return }
    connection.send("text \(number)", completion: tally.completion())
    connection.send(PreparedMessage("prepared"), completion: tally.completion())
    connection.send(PreparedMessage(Bytes.pattern(3000, seed: 1)), completion: tally.completion())
    connection.sendFragment("a".utf8Span.span.bytes, as: .text, isFirst: true, isLast: false)
    connection.ping()
    connection.sendFragment(
      "b".utf8Span.span.bytes, as: .text, isFirst: false, isLast: true,
      completion: tally.completion())
    switch number % 4 {
    case 1: connection.close()
    case 2: connection.send("close 7", completion: tally.completion())
    default: break
    }
    connection.send("late", completion: tally.completion())
  }
}
