import Synchronization

@testable import Reactor
@testable import ReactorSimulation

/// Answers each line. A line is a command and a number, both or none of which may be there:
///
///     id            the connection's name, under which the journal knows its id
///     big N         N bytes
///     finish        a last line, then FIN
///     abort         RST
///     deadline N    N milliseconds from now; a line when it comes
///     pause N       no receiving for N milliseconds
///     label TEXT    puts it on the connection
///     watch         asks for word when the queue has run empty
///     keep          the connection is not ended when the group stops
///     sink          no answers from now on
///     block N       nothing happens on the reactor for N milliseconds of a simulation
///
/// Anything else is sent back.
final class LineHandler: ConnectionHandler {
  private let reactor: Reactor
  private let journal: LineJournal

  private struct State {
    /// When the deadline was set, or the pause began.
    var since: Int64 = 0
    var isPaused = false
    var isKept = false
    var isSink = false
  }

  init(_ reactor: Reactor, _ journal: LineJournal) {
    self.reactor = reactor
    self.journal = journal
  }

  func accepted(_ connection: ConnectionPointer, listener: Int) {
    connection.attachment.initializeMemory(as: State.self, to: State())
    journal.acceptedBy.withLock { $0[reactor.position, default: 0] += 1 }
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    journal.receivedByteCount.add(bytes.count, ordering: .relaxed)
    guard !state(connection).pointee.isSink else { return }
    reactor.count(messages: 1)
    // Tests send a line at once, and short ones arrive at once.
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard reactor.canSend(on: connection) else { return }
      obey(line, on: connection)
    }
  }

  func receiveEnded(on connection: ConnectionPointer) {
    reactor.finish(connection)
  }

  func lagged(behind log: TopicLog, on connection: ConnectionPointer) {
    reactor.abort(connection)
  }

  func drained(_ connection: ConnectionPointer) {
    journal.drainedCount.add(1, ordering: .relaxed)
  }

  func expired(_ connection: ConnectionPointer) {
    let elapsed = reactor.nowNanoseconds - state(connection).pointee.since
    if state(connection).pointee.isPaused {
      state(connection).pointee.isPaused = false
      return reactor.resumeReceiving(on: connection)
    }
    let name = LineJournal.name(reactor.id(of: connection))
    journal.expirations.withLock { $0.append((name, elapsed)) }
    send("expired\n", on: connection)
  }

  func posted(_ chunk: PostedChunk, on connection: ConnectionPointer) {
    switch reactor.admit(chunk.content.count, to: connection) {
    case .accepted, .acceptedWithBackpressure:
      reactor.enqueue(chunk, on: connection, isDroppable: reactor.dropsSends)
    case .dropped: reactor.discard(chunk, .dropped)
    case .closed: reactor.discard(chunk, .closed)
    case .overflow:
      reactor.discard(chunk, .closed)
      reactor.abort(connection)
    }
  }

  func closed(_ connection: ConnectionPointer, error: SystemError?) {
    let name = LineJournal.name(reactor.id(of: connection))
    journal.closings.withLock { $0.append(.init(name: name, errorCode: error?.code)) }
  }

  func stopping() {
    reactor.forEachConnection { connection in
      if !state(connection).pointee.isKept { reactor.finish(connection) }
    }
  }

  private func obey(_ line: Substring, on connection: ConnectionPointer) {
    let words = line.split(separator: " ", maxSplits: 1)
    let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
    switch words.first {
    case "id":
      let id = reactor.id(of: connection)
      journal.ids.withLock { $0[LineJournal.name(id)] = id }
      send("\(LineJournal.name(id))\n", on: connection)
    case "big": reactor.send(PatternedText.bytes(number).span.bytes, on: connection)
    case "finish":
      send("finished\n", on: connection)
      reactor.finish(connection)
    case "abort": reactor.abort(connection)
    case "deadline", "pause": wait(number, isPause: words[0] == "pause", on: connection)
    case "label": _ = reactor.label(connection, String(words.last ?? ""))
    case "watch": reactor.reportBackpressure(on: connection)
    case "keep": state(connection).pointee.isKept = true
    case "sink": state(connection).pointee.isSink = true
    case "block":
      guard let simulation = Simulation.current else { return }
      simulation.advance(toNanoseconds: simulation.nowNanoseconds + Int64(number) * 1_000_000)
      send("blocked\n", on: connection)
    default: send("\(line)\n", on: connection)
    }
  }

  private func wait(_ milliseconds: Int, isPause: Bool, on connection: ConnectionPointer) {
    state(connection).pointee.since = reactor.nowNanoseconds
    state(connection).pointee.isPaused = isPause
    reactor.setDeadline(on: connection, afterMilliseconds: milliseconds)
    if isPause { reactor.pauseReceiving(on: connection) }
  }

  private func send(_ text: String, on connection: ConnectionPointer) {
    reactor.send(text.utf8Span.span.bytes, on: connection)
  }

  private func state(_ connection: ConnectionPointer) -> UnsafeMutablePointer<State> {
    connection.attachment.assumingMemoryBound(to: State.self)
  }
}
