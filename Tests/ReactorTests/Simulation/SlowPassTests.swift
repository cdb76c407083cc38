import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("A slow pass")
struct SlowPassTests {
  @Test("is told once: the passes behind it are not slow for it")
  func once() throws {
    try ScriptedServer.run { scripted in
      let client = try scripted.connect()
      let log = scripted.server.journal.log
      let simulation = scripted.simulation
      let noticeCount = { log.withLock { $0.count { $0.contains("was in one pass for") } } }
      #expect(client.ask("here") == "here")
      #expect(client.ask("block 10000") == "blocked")
      #expect(client.ask("here") == "here")
      #expect(noticeCount() == 1)
      // A second one within a minute would not be told, however slow.
      simulation.advance(toNanoseconds: simulation.nowNanoseconds + 70_000_000_000)
      for _ in 0..<3 { #expect(client.ask("here") == "here") }
      #expect(noticeCount() == 1)
      #expect(client.ask("block 10000") == "blocked")
      #expect(client.ask("here") == "here")
      #expect(noticeCount() == 2)
      client.close()
    }
  }
}
