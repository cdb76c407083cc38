/// The topics of one reactor.
@safe struct ReactorTopics: ~Copyable {
  var shards: [TopicShard?] = []
  var freeShards: [UInt32] = []
  var shardByLog: [ObjectIdentifier: UInt32] = [:]
  /// Shards with something new, and those with subscribers that lag.
  private(set) var dirty: [UInt32] = []
  var lagging: [UInt32] = []
  /// Of all that have ever stood in `dirty`, how many stood before its first one; and how many have
  /// been looked at for a connection with many subscriptions.
  private(set) var dirtyPosition: UInt64 = 0
  private var gatheredPosition: UInt64 = 0

  private var table = BlockTable<Subscription>()
  /// By a connection's index: its first subscription, if it has few; or all of them.
  private var heads = BlockTable<UInt32>()
  private var manyByConnection: [UInt32: ManySubscriptions] = [:]
  private var freeHead = Subscription.none
  /// Bytes of logs that were let go of since the last time memory was given back, and before.
  private var releasedByteCount = 0
  private var owedByteCount = 0
  private var usedCount: UInt32 = 0

  subscript(index: UInt32) -> Subscription {
    @inline(__always) get { table[Int(index)] }
    @inline(__always) _modify { yield &table[Int(index)] }
  }

  /// The first subscription of a connection that has some, and few.
  func head(of connection: ConnectionPointer) -> UInt32 {
    heads[Int(connection.pointee.index)]
  }

  mutating func setHead(_ index: UInt32, of connection: ConnectionPointer) {
    heads.set(Int(connection.pointee.index), index)
  }

  /// The subscriptions of a connection that has many.
  func many(of connection: ConnectionPointer) -> ManySubscriptions? {
    manyByConnection[connection.pointee.index]
  }

  mutating func setMany(_ many: ManySubscriptions?, of connection: ConnectionPointer) {
    manyByConnection[connection.pointee.index] = many
  }

  /// Notes that a shard has something new. Once is enough, as long as nobody has looked at the list.
  mutating func note(_ index: UInt32, _ shard: TopicShard) {
    guard !shard.state.value.isDirty || shard.state.value.notedPosition < gatheredPosition else {
      return
    }
    shard.state.value.isDirty = true
    shard.state.value.notedPosition = dirtyPosition + UInt64(dirty.count)
    dirty.append(index)
  }

  /// Shards that a connection with many subscriptions has not been asked about since they had
  /// something new.
  mutating func takeUngathered(for many: ManySubscriptions) -> ArraySlice<UInt32> {
    let end = dirtyPosition + UInt64(dirty.count)
    let start = max(many.gatheredPosition, dirtyPosition)
    many.gatheredPosition = end
    gatheredPosition = max(gatheredPosition, end)
    return dirty[Int(start - dirtyPosition)...]
  }

  /// The first shards of the list have been offered.
  mutating func removeDirty(_ count: Int) {
    dirty.removeFirst(count)
    dirtyPosition += UInt64(count)
  }

  mutating func add(_ subscription: Subscription) -> UInt32 {
    var index = freeHead
    if index == Subscription.none {
      index = usedCount
      usedCount += 1
    } else {
      freeHead = table[Int(index)].shard
    }
    table.set(Int(index), subscription)
    return index
  }

  mutating func free(_ index: UInt32) {
    table[Int(index)].shard = freeHead
    table[Int(index)].untold = Subscription.LeftOut()
    freeHead = index
  }

  /// The shard of a log, made if there is none.
  mutating func shard(of log: TopicLog) -> (UInt32, TopicShard) {
    if let index = shardByLog[ObjectIdentifier(log)], let shard = shards[Int(index)] {
      return (index, shard)
    }
    let shard = TopicShard(log)
    let index: UInt32
    if let free = freeShards.popLast() {
      index = free
      shards[Int(free)] = shard
    } else {
      index = UInt32(shards.count)
      shards.append(shard)
    }
    shardByLog[ObjectIdentifier(log)] = index
    return (index, shard)
  }

  mutating func noteReleased(_ byteCount: Int) {
    releasedByteCount += byteCount
  }

  /// Whether `takeOwed` has something to say soon.
  var owesMemory: Bool { releasedByteCount + owedByteCount >= 1 << 20 }

  /// Bytes of logs that were let go of, once no more of them come: as long as they do, the
  /// allocator does well to keep them.
  mutating func takeOwed() -> Int {
    owedByteCount += releasedByteCount
    defer { releasedByteCount = 0 }
    guard releasedByteCount == 0 else { return 0 }
    defer { owedByteCount = 0 }
    return owedByteCount
  }

  mutating func removeShards() {
    for index in shards.indices { removeShard(UInt32(index)) }
  }

  mutating func removeShard(_ index: UInt32) {
    guard let shard = shards[Int(index)] else { return }
    releasedByteCount += shard.release(before: .max) + 512
    shardByLog[ObjectIdentifier(shard.log)] = nil
    shards[Int(index)] = nil
    freeShards.append(index)
  }
}
