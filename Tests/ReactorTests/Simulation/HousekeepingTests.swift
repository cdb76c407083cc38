import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Housekeeping")
struct HousekeepingTests {
  @Test(
    "goes on behind the last connection until the memory is back at what is kept, and then stops")
  func memory() throws {
    try ScriptedServer.run { scripted in
      let client = try scripted.connect()
      #expect(client.ask("here") == "here")
      let loop = try #require(scripted.simulation.reactors.first).loop
      // As if very many had ended at once.
      for index in 1...5000 {
        loop.state.value.sendWatches[UInt32(index)] = SendWatch(limits: nil, nowNanoseconds: 0)
      }
      for index in 1...5000 { loop.state.value.sendWatches[UInt32(index)] = nil }
      #expect(loop.state.value.sendWatches.holdsMemory == true)
      // As if many had been waiting to be sent much.
      let blocks = (0..<60).map { _ in loop.reactor.takeMemory(60_000) }
      for block in blocks { loop.reactor.giveBack(block) }
      #expect(loop.state.value.pool.holdsMemory == true)
      client.close()
      #expect(scripted.step { scripted.server.total.connectionCount == 0 })
      #expect(loop.state.value.pool.holdsMemory == true, "there was no time for that yet")
      #expect(scripted.step { loop.state.value.housekeepingNanoseconds == .max })
      #expect(loop.state.value.pool.holdsMemory == false)
      #expect(loop.state.value.sendWatches.holdsMemory == false)
      // Nothing is going to wake it any more.
      let before = loop.state.value.statistics.wakeCount
      #expect(!scripted.step { false })
      #expect(loop.state.value.statistics.wakeCount == before)
    }
  }
}
