import Testing

@testable import Reactor

@Suite("The slab of connections")
struct ConnectionSlabTests {
  @Test("a record is 64 bytes and what other threads see of it 48: an idle connection's budget")
  func sizes() {
    #expect(MemoryLayout<ConnectionRecord>.size == 64)
    #expect(MemoryLayout<SharedCell>.size == 48)
    #expect(MemoryLayout<SharedCell>.stride == 48)
  }

  @Test("a record in use has an odd generation, which nothing has had before")
  func generations() throws {
    let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
    var seen: Set<UInt32> = []
    for _ in 0..<100 {
      let record = try #require(slab.allocate())
      let generation = record.pointee.generation
      #expect(generation & 1 == 1)
      #expect(seen.insert(generation).inserted)
      #expect(slab.record(at: 0, generation: generation) == record)
      slab.release(record)
      #expect(slab.record(at: 0, generation: generation) == nil, "an old name finds nothing")
    }
  }

  @Test("what was given back first is used first, and before anything new")
  func reuse() throws {
    let slab = ConnectionSlab(capacity: 100, attachmentByteCount: 0)
    let records = try (0..<10).map { _ in try #require(slab.allocate()) }
    for index in [7, 2, 5] { slab.release(records[index]) }
    #expect(slab.count == 7)
    let again = try (0..<4).map { _ in try #require(slab.allocate()) }
    #expect(again.map(\.pointee.index) == [7, 2, 5, 10])
    #expect(slab.highWaterCount == 11)
  }

  @Test("a record whose generations are used up is never used again")
  func exhausted() throws {
    let slab = ConnectionSlab(capacity: 2, attachmentByteCount: 0)
    let record = try #require(slab.allocate())
    record.pointee.generation = .max
    slab.release(record)
    #expect(slab.count == 0)
    #expect(slab.allocate()?.pointee.index == 1)
    #expect(slab.allocate() == nil)
  }

  @Test("no more than its capacity, whatever that is", arguments: [1, 2, 255, 256, 257, 1000])
  func capacity(_ capacity: Int) throws {
    let slab = ConnectionSlab(capacity: capacity, attachmentByteCount: 0)
    let records = try (0..<capacity).map { _ in try #require(slab.allocate()) }
    #expect(slab.allocate() == nil)
    #expect(Set(records.map(\.pointee.index)) == Set(0..<UInt32(capacity)))
    slab.release(records[capacity / 2])
    #expect(slab.allocate() == records[capacity / 2])
    #expect(slab.count == capacity)
  }

  @Test("a name with an index or a generation that never was finds nothing")
  func unknown() throws {
    let slab = ConnectionSlab(capacity: 1000, attachmentByteCount: 0)
    let record = try #require(slab.allocate())
    #expect(slab.record(at: 0, generation: record.pointee.generation + 2) == nil)
    #expect(slab.record(at: 1, generation: 1) == nil)
    #expect(slab.record(at: 999, generation: 1) == nil)
    #expect(slab.record(at: 1000, generation: 1) == nil)
    #expect(slab.record(at: .max, generation: 1) == nil)
  }

  @Test("records never move, and each has its own bytes, aligned to 16", arguments: [0, 1, 16, 40])
  func attachments(byteCount: Int) throws {
    let slab = ConnectionSlab(capacity: 600, attachmentByteCount: byteCount)
    let records = try (0..<600).map { _ in try #require(slab.allocate()) }
    for record in records {
      #expect(UInt(bitPattern: record.attachment) % 16 == 0)
      record.attachment.initializeMemory(
        as: UInt8.self, repeating: UInt8(truncatingIfNeeded: record.pointee.index), count: byteCount
      )
    }
    for (index, record) in records.enumerated() {
      #expect(record.pointee.index == index)
      #expect(slab.record(at: UInt32(index)) == record)
      let bytes = UnsafeRawBufferPointer(start: record.attachment, count: byteCount)
      #expect(bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) })
    }
  }

  @Test("a record begins anew with each use")
  func fresh() throws {
    let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
    let record = try #require(slab.allocate())
    record.pointee.lifecycle = .closing
    record.pointee.flags = [.isDirty, .isTimed, .owesDrained]
    record.pointee.backendState = 0xFF
    record.pointee.backendOperationCount = 1
    record.pointee.endCode = 5
    record.pointee.queuedByteCount = 7
    slab.release(record)
    let again = try #require(slab.allocate()).pointee
    #expect(again.lifecycle == .free && again.flags == [] && again.descriptor == -1)
    #expect(again.backendState == 0 && again.backendOperationCount == 0)
    #expect(again.endCode == 0 && again.queuedByteCount == 0)
  }
}
