import Testing
import WebSocket

@Suite("Topics by name")
struct TopicRegistryTests {
  @Test("are the same for the same name, of whatever bytes")
  func names() {
    let registry = TopicRegistry()
    let topic = registry.topic("a")
    #expect(registry.topic("a") === topic && registry.topic(bytes: [97]) === topic)
    let other = registry.topic(bytes: [0, 255, 10])
    #expect(registry.existingTopic(bytes: [0, 255, 10]) === other)
    #expect(registry.existingTopic("b") == nil)
    #expect(registry.count == 2)
  }

  @Test("go when nobody holds them, unless they are to stay")
  func lifetime() {
    let registry = TopicRegistry()
    registry.topic("passing").publish("nobody hears it")
    registry.topic("staying", options: TopicOptions(historyByteCount: 1000, isKept: true))
      .publish("kept")
    #expect(registry.count == 1)
    let staying = registry.existingTopic("staying")
    #expect(staying?.endPosition == TopicPosition(ordinal: 1))
    #expect(staying.map { $0.statistics.keptByteCount } ?? 0 > 0)
    staying.map { registry.release($0) }
    #expect(registry.count == 1)
  }

  @Test("keep nothing for nobody")
  func empty() {
    let topic = TopicRegistry().topic("empty")
    for _ in 0..<1000 { topic.publish([UInt8](repeating: 1, count: 10_000)) }
    #expect(topic.statistics.keptByteCount == 0 && topic.statistics.publishedCount == 1000)
  }

  @Test("keep what they are told to keep, and no more")
  func history() {
    let topic = TopicRegistry().topic("h", options: TopicOptions(historyByteCount: 100_000))
    for _ in 0..<1000 { topic.publish([UInt8](repeating: 1, count: 1000)) }
    #expect((70_000...100_000).contains(topic.statistics.keptByteCount))
  }
}
