import Glibc
import Testing
import WebSocket

@Suite("Races", .serialized)
struct SendRaceTests {
  @Test(
    "of producers keep each one's order and lose nothing, while other connections come and go",
    .timeLimit(.minutes(5)), arguments: backends)
  func producers(on kind: BackendKind) throws {
    let stable = Registry()
    let passing = Registry()
    let tally = Tally()
    try serveNamed(on: kind, stable: stable, passing: passing) { running in
      let names = (0..<RaceSize.connectionCount).map { "s\($0)" }
      let peers = try names.map { try running.open(target: "/stable/\($0)") }
      #expect(eventually { stable.all.count == names.count })
      let isDone = Flag()
      let churn = Churn(port: running.port, threadCount: 2, isDone: isDone)

      let producers = Threads.start {
        Threads.run(RaceSize.producerCount) { producer in
          Self.produce(producer, to: stable.all, and: passing, tally)
        }
      }
      let faults = Locked<[String]>([])
      read(peers, names: names, faults: faults)
      pthread_join(producers, nil)
      isDone.set()
      faults.withLock { $0 += churn.join() }
      #expect(faults.withLock { $0 } == [])
      #expect(churn.count > 0)
      #expect(eventually { tally.isSettled }, "\(tally.askedCount) asked, \(tally.sentCount) sent")
      #expect(stable.all.allSatisfy { $0.connection.isOpen })
    }
  }

  /// Sends its numbers to every stable connection, and by the way to passing ones, gone or not.
  private static func produce(
    _ producer: Int, to stable: [Registry.Entry], and passing: Registry, _ tally: Tally
  ) {
    var next: [Connection: Int] = [:]
    for number in 0..<RaceSize.messageCount {
      for (position, entry) in stable.enumerated() {
        let text = "\(entry.name) \(producer) \(number)"
        let completion = position % 4 == producer % 4 ? tally.completion() : nil
        let result = entry.connection.send(text, completion: completion)
        precondition(result == .accepted || result == .backpressure, "\(result)")
      }
      for entry in passing.latest(6) {
        let sequel = next[entry.connection] ?? 0
        next[entry.connection] = sequel + 1
        entry.connection.send(
          "\(entry.name) \(producer) \(sequel)", completion: tally.completion())
        if number % 16 == producer { entry.connection.close(.goingAway) }
      }
    }
  }

  /// Reads everything that the producers send, on two threads.
  private func read(_ peers: [Peer], names: [String], faults: Locked<[String]>) {
    var sequences = names.map(Sequence.init)
    let expectedCount = RaceSize.producerCount * RaceSize.messageCount
    for (position, peer) in peers.enumerated() {
      peer.setTimeout(seconds: 60)
      do {
        while sequences[position].count < expectedCount, sequences[position].fault == nil {
          sequences[position].receive(try peer.readFrame().text)
        }
      } catch {
        faults.withLock {
          $0.append("\(names[position]) after \(sequences[position].count): \(error)")
        }
      }
      if let fault = sequences[position].fault { faults.withLock { $0.append(fault) } }
    }
  }

  private func serveNamed(
    on kind: BackendKind, stable: Registry, passing: Registry,
    _ body: (RunningServer) throws -> Void
  ) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.queue.byteCountMax = 64 << 20
        $0.closeTimeoutMilliseconds = 500
        $0.reactor.lingerMilliseconds = 500
      },
      handle: { on, _ in
        on.opened = { connection, state in
          let parts = state.note.split(separator: "/")
          let registry = parts[0] == "stable" ? stable : passing
          registry.add(connection, name: String(parts[1]))
        }
      }, body)
  }
}

/// Threads that open connections and end them at random: in good order, by FIN, by RST, after reading or without. Each
/// checks what it has read.
private final class Churn: Sendable {
  private let state = Locked<(count: Int, faults: [String])>((0, []))
  private let threads = Locked<[pthread_t]>([])

  init(port: UInt16, threadCount: Int, isDone: Flag) {
    let started = (0..<threadCount).map { number in
      Threads.start { [self] in run(number, port: port, isDone: isDone) }
    }
    threads.withLock { $0 = started }
  }

  var count: Int { state.withLock { $0.count } }

  /// Waits for all. Returns what was wrong.
  func join() -> [String] {
    for thread in threads.withLock({ $0 }) { pthread_join(thread, nil) }
    return state.withLock { $0.faults }
  }

  private func run(_ number: Int, port: UInt16, isDone: Flag) {
    var random = SeededRandom(seed: UInt64(number))
    var round = 0
    while !isDone.isSet {
      round += 1
      var sequence = Sequence(name: "p\(number)-\(round)")
      do {
        try live(Int.random(in: 0..<5, using: &random), port: port, &sequence)
      } catch {
        state.withLock { $0.faults.append("\(sequence.name): \(error)") }
      }
      state.withLock {
        $0.count += 1
        if let fault = sequence.fault { $0.faults.append(fault) }
      }
    }
  }

  private func live(_ manner: Int, port: UInt16, _ sequence: inout Sequence) throws {
    let peer = try Peer(port: port)
    try peer.upgrade(target: "/passing/\(sequence.name)")
    usleep(UInt32(manner) * 300)
    if manner == 0 { return peer.reset() }
    if manner == 1 { return peer.close() }
    if manner == 2 {
      try peer.send(.close(1000))
    } else {
      peer.finish()
    }
    // Up to the close frame, or FIN.
    do {
      var frame = try peer.readFrame()
      while frame.opcode == 1 {
        sequence.receive(frame.text)
        frame = try peer.readFrame()
      }
    } catch PeerError.ended {
      return
    }
  }
}
