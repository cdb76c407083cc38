import Glibc
import Testing
import WebSocket

@Suite("A long message leaves in fragments")
struct FragmentTests {
  private static let size = 256 << 10

  /// How a message is sent.
  enum Way: String, CaseIterable {
    case plain, completion, prepared, preparedCompletion

    func send(_ bytes: [UInt8], on connection: Connection, _ completion: @escaping SendCompletion) {
      switch self {
      case .plain: connection.send(bytes)
      case .completion: connection.send(bytes, completion: completion)
      case .prepared: connection.send(PreparedMessage(bytes))
      case .preparedCompletion: connection.send(PreparedMessage(bytes), completion: completion)
      }
    }

    var hasCompletion: Bool { self == .completion || self == .preparedCompletion }
  }

  /// Expects a message in fragments, and what was among them.
  @discardableResult
  private func expect(
    _ message: [UInt8], _ size: Int = FragmentTests.size, _ readFrame: () throws -> Frame,
    _ location: SourceLocation = #_sourceLocation
  ) throws -> [Frame] {
    var others: [Frame] = []
    var offset = 0
    repeat {
      let frame = try readFrame()
      guard frame.opcode < 8 else {
        others.append(frame)
        continue
      }
      let end = min(offset + size, message.count)
      let isRight =
        frame.opcode == (offset == 0 ? 2 : 0) && frame.isFinal == (end == message.count)
        && frame.payload == Array(message[offset..<end])
      #expect(isRight, "\(frame) at \(offset)", sourceLocation: location)
      guard isRight else { throw PeerError.malformed("another fragment") }
      offset = end
    } while offset < message.count
    return others
  }

  @Test("of 256 KiB, the last one shorter, whoever sends it and how", arguments: backends)
  func ways(on kind: BackendKind) throws {
    let outcomes = Locked<[SendOutcome]>([])
    let completion: SendCompletion = { outcome in outcomes.withLock { $0.append(outcome) } }
    try serve(
      on: kind,
      configure: { $0.reactor.queue.byteCountMax = 64 << 20 },
      handle: { on, _ in
        on.received = { connection, message, _ in
          let parts = message.text.split(separator: " ")
          let bytes = Bytes.pattern(Int(parts[1]) ?? 0, seed: 1)
          Way(rawValue: String(parts[0]))?.send(bytes, on: connection, completion)
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      var completionCount = 0
      for byteCount in [Self.size, Self.size + 1, 3 << 20] {
        let bytes = Bytes.pattern(byteCount, seed: 1)
        for way in Way.allCases {
          try peer.send(.text("\(way) \(byteCount)"))
          try expect(bytes) { try peer.readRawFrame() }
          // From this thread, and with something behind it.
          way.send(bytes, on: connection, completion)
          connection.send("behind")
          try expect(bytes) { try peer.readRawFrame() }
          #expect(try peer.readRawFrame() == .text("behind"))
          if way.hasCompletion { completionCount += 2 }
        }
        running.server.broadcast(bytes)
        try expect(bytes) { try peer.readRawFrame() }
      }
      #expect(eventually { outcomes.withLock { $0.count } == completionCount })
      usleep(5000)
      #expect(outcomes.withLock { $0 } == Array(repeating: .sent, count: completionCount))
      #expect(eventually { connection.queuedByteCount == 0 })
    }
  }

  @Test(
    "also when it is echoed from where it lies, to a slow reader or a fast one", arguments: backends
  )
  func echo(on kind: BackendKind) throws {
    for sendBufferByteCount in [nil, 16 << 10] as [Int32?] {
      try serve(
        on: kind, recordsTraffic: false,
        configure: {
          $0.reactor.queue.byteCountMax = 64 << 20
          if let sendBufferByteCount { $0.listener.sendBufferByteCount = sendBufferByteCount }
        }
      ) { running in
        let peer = try running.open()
        for byteCount in [300_000, 1 << 20, 700_001, 3 << 20] {
          for seed in UInt64(0)..<3 {
            let bytes = Bytes.pattern(byteCount, seed: seed)
            try peer.send(.binary(bytes))
            try expect(bytes) { try peer.readRawFrame() }
          }
        }
      }
    }
  }

  @Test("unless that is turned off, and of another length if that is set", arguments: backends)
  func configured(on kind: BackendKind) throws {
    for size in [nil, 1000] as [Int?] {
      try serve(
        on: kind, recordsTraffic: false,
        configure: {
          $0.fragmentByteCountMax = size
          $0.reactor.queue.byteCountMax = 64 << 20
        }
      ) { running in
        let (peer, connection) = try running.openWithHandle()
        let bytes = Bytes.pattern(300_001, seed: 2)
        try peer.send(.binary(bytes))
        try expect(bytes, size ?? .max) { try peer.readRawFrame() }
        for way in Way.allCases {
          way.send(bytes, on: connection) { _ in }
          try expect(bytes, size ?? .max) { try peer.readRawFrame() }
        }
        // The application's own stay as they are.
        connection.sendFragment(bytes.span.bytes, as: .binary, isFirst: true, isLast: false)
        connection.sendFragment(bytes.span.bytes, as: .binary, isFirst: false, isLast: true)
        #expect(try peer.readRawFrame() == .binary(bytes, isFinal: false))
        #expect(try peer.readRawFrame() == .continuation(bytes, isFinal: true))
      }
    }
  }

  @Test("which pings and pongs go between, and what is sent later does not", arguments: backends)
  func control(on kind: BackendKind) throws {
    let message = Bytes.pattern(4 << 20, seed: 3)
    try serve(
      on: kind,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.closeTimeoutMilliseconds = 60_000
      },
      handle: { on, _ in on.opened = { connection, _ in connection.send(message) } }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 3 << 20 })
      try peer.send(.ping("theirs"))
      #expect(eventually { running.journal.events.contains(.ping("theirs")) })
      connection.ping("ours".utf8.span.bytes)
      connection.close(.goingAway)
      #expect(eventually { running.server.statistics.reduce(0) { $0 + $1.postedCount } >= 2 })
      // What has been offered before, and what the kernel holds.
      var frames: [Frame] = []
      while frames.last?.opcode ?? 0 < 8 { frames.append(try peer.readRawFrame()) }
      #expect(frames.dropLast().reduce(0) { $0 + $1.payload.count } <= 2 * Self.size)
      frames.append(try peer.readRawFrame())
      #expect(frames.suffix(2) == [.pong("theirs"), .ping("ours")])
      let count = frames.count - 2
      var rest = frames.prefix(count)
      try expect(message) { try rest.popFirst() ?? peer.readRawFrame() }
      #expect(try peer.readRawFrame().closeCode == 1001)
      try peer.send(.close(1001))
      #expect(try peer.readsEnd())
    }
  }

  @Test(
    "which pings go between also when little more than one fragment is left", arguments: backends)
  func controlBeforeTheLast(on kind: BackendKind) throws {
    let message = Bytes.pattern(Self.size + 100, seed: 3)
    try serve(
      on: kind, configure: { $0.listener.sendBufferByteCount = 16 << 10 },
      handle: { on, _ in on.opened = { connection, _ in connection.send(message) } }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      // The kernel has got a part of the first one: what is left is less than a whole fragment.
      #expect(eventually { 100..<Self.size ~= connection.queuedByteCount ?? 0 })
      connection.ping("ours".utf8.span.bytes)
      let others = try expect(message) { try peer.readRawFrame() }
      #expect(others == [.ping("ours")])
    }
  }

  @Test("of a client too, each with a key of its own", arguments: backends)
  func client(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server) { $0.socket.sendBufferByteCount = 20_000 }
      var keys: [[UInt8]] = []
      let read = {
        let (frame, key) = try peer.readMaskedFrame()
        keys.append(key)
        return frame
      }
      let message = Bytes.pattern(3 << 20, seed: 4)
      for way in Way.allCases {
        way.send(message, on: connection) { _ in }
        try expect(message, Self.size, read)
      }
      #expect(Set(keys).count >= keys.count - 1)
      connection.send(message)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 2 << 20 })
      try peer.sendUnmasked(.ping("theirs"))
      #expect(eventually { running.journal.events.contains(.ping("theirs")) })
      var frames: [Frame] = []
      while frames.last?.opcode ?? 0 < 8 { frames.append(try read()) }
      #expect(frames.last == .pong("theirs"))
      #expect(frames.count <= 4)
      var rest = frames.dropLast()
      try expect(message, Self.size) { try rest.popFirst() ?? read() }
      peer.close()
    }
  }

  @Test("which a policy drops together or not at all", arguments: backends)
  func dropped(on kind: BackendKind) throws {
    let outcomes = Locked<[Int: [SendOutcome]]>([:])
    let areSent = Locked(false)
    let messages = (0..<12).map { Bytes.pattern(600_000, seed: UInt64($0)) }
    try serve(
      on: kind,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.queue = QueueLimits(byteCountMax: 4 << 20, overflow: .dropOldest)
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      connection.withState(as: Tracked.self) { _ in
        for (number, message) in messages.enumerated() {
          connection.send(message) { outcome in
            outcomes.withLock { $0[number, default: []].append(outcome) }
          }
        }
        areSent.withLock { $0 = true }
      }
      #expect(eventually { areSent.withLock { $0 } })
      let dropped = outcomes.withLock { $0.filter { $0.value == [.dropped] }.keys.sorted() }
      // The first one has been begun.
      #expect(!dropped.isEmpty && !dropped.contains(0) && !dropped.contains(11))
      for number in messages.indices where !dropped.contains(number) {
        try expect(messages[number]) { try peer.readRawFrame() }
      }
      #expect(eventually { outcomes.withLock { $0.count } == 12 })
      #expect(outcomes.withLock { $0.values.allSatisfy { $0.count == 1 } })
    }
  }
}
