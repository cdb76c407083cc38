import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("A reactor with scripted faults")
struct ScriptedFaultTests {
  @Test("sends a message whole, wherever its first send stops", arguments: [false, true])
  func shortSends(isLate: Bool) throws {
    let byteCount = 40
    for count in 0...byteCount {
      try ScriptedServer.run { scripted in
        scripted.simulation.script.add(1, .send, isLate ? .movesLater(count) : .moves(count))
        let client = try scripted.connect()
        client.tell("big \(byteCount)")
        #expect(client.read(byteCount) == PatternedText.bytes(byteCount), "\(count) bytes at first")
        #expect(client.ask("more") == "more")
        client.close()
      }
    }
  }

  @Test("sends a message whole, byte by byte")
  func bytes() throws {
    try ScriptedServer.run { scripted in
      for number in 1...100 { scripted.simulation.script.add(number, .send, .moves(1)) }
      let client = try scripted.connect()
      client.tell("big 100")
      #expect(client.read(100) == PatternedText.bytes(100))
      #expect(scripted.simulation.script.count(of: .send) >= 100)
      client.close()
    }
  }

  @Test(
    "goes on accepting after a failure, and lets nobody go",
    arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func accepting(code: Int32) throws {
    try ScriptedServer.run { scripted in
      for number in [1, 2, 4] { scripted.simulation.script.add(number, .accept, .fails(code)) }
      let clients = try (0..<3).map { _ in try scripted.connect() }
      for client in clients { #expect(client.ask("here") == "here") }
      #expect(scripted.server.total.acceptFailureCount == 3)
      #expect(scripted.server.journal.log.withLock { $0.contains { $0.contains("accept") } })
      for client in clients { client.close() }
    }
  }

  @Test("closes an accepted connection that the backend cannot take over, and serves the next one")
  func adopting() throws {
    try ScriptedServer.run { scripted in
      scripted.simulation.script.add(1, .adopt, .fails(ENOMEM))
      let first = try scripted.connect()
      #expect(first.read(1) == [] && first.end != nil)
      let second = try scripted.connect()
      #expect(second.ask("here") == "here")
      first.close()
      second.close()
    }
  }

  @Test("tells a reset at whichever receive it shows, once, and serves the others")
  func resetWhileReceiving() throws {
    for number in 1...6 {
      try ScriptedServer.run { scripted in
        let other = try scripted.connect()
        #expect(other.ask("here") == "here")
        scripted.simulation.script.add(number, .receive, .fails(ECONNRESET))
        let client = try scripted.connect()
        for line in 1...6 where client.end == nil { _ = client.ask("line \(line)") }
        #expect(client.end == ECONNRESET)
        #expect(scripted.step { !scripted.errors.isEmpty })
        #expect(scripted.errors == [ECONNRESET])
        #expect(other.ask("still") == "still")
        client.close()
        other.close()
      }
    }
  }

  @Test(
    "tells a connection that breaks at whichever send it shows, once, and serves the others",
    arguments: [EPIPE, ECONNRESET, ETIMEDOUT], [false, true])
  func brokenWhileSending(code: Int32, isLate: Bool) throws {
    for number in 1...4 {
      try ScriptedServer.run { scripted in
        let other = try scripted.connect()
        #expect(other.ask("here") == "here")
        scripted.simulation.script.add(number, .send, isLate ? .failsLater(code) : .fails(code))
        let client = try scripted.connect()
        for line in 1...4 where client.end == nil { _ = client.ask("line \(line)") }
        #expect(client.end == ECONNRESET)
        #expect(scripted.step { !scripted.errors.isEmpty })
        #expect(scripted.errors == [code])
        #expect(other.ask("still") == "still")
        client.close()
        other.close()
      }
    }
  }

  @Test("loses nothing when receives find no buffer")
  func starved() throws {
    try ScriptedServer.run { scripted in
      for number in [1, 2, 3, 5, 8] {
        scripted.simulation.script.add(number, .receive, .fails(ENOBUFS))
      }
      let client = try scripted.connect()
      for line in 1...5 { #expect(client.ask("line \(line)") == "line \(line)") }
      client.close()
    }
  }

  @Test("hears what another thread posts at any point between two steps")
  func posting() throws {
    var pointCount = 1
    var number = 0
    while number < pointCount {
      number += 1
      try ScriptedServer.run { scripted in
        let client = try scripted.connect()
        let name = try #require(client.ask("id"))
        let id = try #require(scripted.server.journal.ids.withLock { $0[name] })
        var outcomes: [SendOutcome] = []
        let simulation = scripted.simulation
        simulation.interruption = {
          nonisolated(unsafe) let note: (SendOutcome) -> Void = { outcomes.append($0) }
          let chunk = PostedChunk.line("posted") { note($0) }
          if !id.post(chunk) { chunk.drop(.closed) }
        }
        let before = simulation.script.count(of: .interruption)
        simulation.script.add(number, .interruption, .happens)
        let reply = "asked\nposted\n".utf8.count
        client.tell("asked")
        let bytes = client.read(reply)
        if number == 1 { pointCount = simulation.script.count(of: .interruption) - before }
        simulation.interruption = nil
        guard bytes.count < reply else {
          #expect(outcomes == [.sent], "at point \(number)")
          return client.close()
        }
        // All was over before that point.
        #expect(bytes == Array("asked\n".utf8) && outcomes.isEmpty && number > 5)
        client.close()
      }
    }
    #expect(pointCount > 5)
  }
}
