import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("A send that is dropped to make room")
struct DroppingTests {
  @Test("may have its completion close the connection: nothing follows", arguments: backends)
  func closes(on kind: BackendKind) throws {
    let isClosed = Atomic<Bool>(false)
    try serve(
      on: kind,
      configure: { $0.limitQueue() },
      handle: { on, _ in
        on.opened = { connection, _ in connection.send([UInt8](repeating: 0, count: 12 << 20)) }
        on.received = { connection, _, _ in
          let message = [UInt8](repeating: 1, count: 60_000)
          let results = (0..<400).map { _ in
            connection.send(message) { if $0 == .dropped { connection.close(.policyViolation) } }
          }
          isClosed.store(results.last == .closed, ordering: .relaxed)
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 1 << 20 })
      try peer.send(.text("go"))
      #expect(eventually { isClosed.load(ordering: .relaxed) })
      #expect(try peer.readFrame().payload.count == 12 << 20)
      var frame = try peer.readFrame()
      while frame.opcode == 2 { frame = try peer.readFrame() }
      #expect(frame.closeCode == 1008)
      try peer.send(.close(1008))
      #expect(try peer.readsEnd())
    }
  }

  @Test(
    "closes with 1013 where the message of another thread would get a hole", arguments: backends)
  func fragments(on kind: BackendKind) throws {
    try serve(
      on: kind, configure: { $0.limitQueue() },
      handle: { on, _ in
        on.opened = { connection, _ in connection.send([UInt8](repeating: 0, count: 12 << 20)) }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 1 << 20 })
      for number in 0..<200 {
        let part = [UInt8](repeating: UInt8(number), count: 100_000)
        connection.sendFragment(
          part.span.bytes, as: .binary, isFirst: number == 0, isLast: number == 199)
        usleep(500)
      }
      #expect(eventually { running.journal.errors == [.queueOverflow] })
      #expect(try peer.readFrame().payload.count == 12 << 20)
      var number = 0
      var frame = try peer.readFrame()
      while frame.opcode != 8 {
        #expect(Int(frame.payload[0]) == number && !frame.isFinal)
        number += 1
        frame = try peer.readFrame()
      }
      #expect(number > 0 && frame.closeCode == 1013)
    }
  }

  @Test(
    "closes with 1013 also where only the last fragment of another thread is missing",
    arguments: backends)
  func lastFragment(on kind: BackendKind) throws {
    try serve(
      on: kind, configure: { $0.limitQueue() },
      handle: { on, _ in
        on.opened = { connection, _ in connection.send([UInt8](repeating: 0, count: 12 << 20)) }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 2 << 20 })
      let first = [UInt8](repeating: 1, count: 10)
      let last = [UInt8](repeating: 2, count: 12 << 20)
      connection.sendFragment(first.span.bytes, as: .binary, isFirst: true, isLast: false)
      let isDropped = Flag()
      // It is taken on this thread, and dropped when it arrives.
      let answer = connection.sendFragment(
        last.span.bytes, as: .binary, isFirst: false, isLast: true
      ) { if $0 == .dropped { isDropped.set() } }
      #expect(answer == .backpressure)
      #expect(eventually { isDropped.isSet && running.journal.errors == [.queueOverflow] })
      #expect(try peer.readFrame().payload.count == 12 << 20)
      #expect(try peer.readFrame() == .binary(first, isFinal: false))
      #expect(try peer.readFrame().closeCode == 1013)
    }
  }
}

extension ServerConfiguration {
  fileprivate mutating func limitQueue() {
    reactor.queue = QueueLimits(
      byteCountMax: 13 << 20, backpressureByteCount: 64 << 10, overflow: .dropOldest)
    reactor.lingerMilliseconds = 10_000
  }
}
