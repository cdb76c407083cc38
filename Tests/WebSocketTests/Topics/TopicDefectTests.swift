import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("Topics, where they went wrong")
struct TopicDefectTests {
  @Test("are not looked up in vain while others of the same name come and go")
  func registry() {
    let registry = TopicRegistry()
    let doneCount = Locked<Int>(0)
    let threads = (0..<4).map { _ in
      Threads.start {
        for _ in 0..<20_000 { registry.topic("x").publish("nobody hears it") }
        doneCount.withLock { $0 += 1 }
      }
    }
    guard eventually({ doneCount.withLock { $0 } == 4 }) else {
      Issue.record("a thread waits for a lock that it holds")
      return
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(registry.count == 0)
  }

  @Test("that are kept go with their registry")
  func registryGoes() {
    var registry: TopicRegistry? = TopicRegistry()
    weak let topic = registry?.topic("kept", options: TopicOptions(isKept: true))
    #expect(topic != nil)
    registry = nil
    #expect(topic == nil)
  }
}
