internal import CURing
internal import Glibc
internal import Synchronization

/// The side of a reactor that other threads touch: its mailbox, and the cells of its connections.
///
/// Never freed, since any thread may be about to use it; a stopped reactor's port is used again by
/// a later reactor, under another number.
@safe struct ReactorPort: @unchecked Sendable {
  private let memory: UnsafeMutablePointer<State>

  @safe struct State: ~Copyable {
    /// The reactor that has the port; 0: none.
    let number = Atomic<UInt32>(0)
    let mailbox: Mailbox
    let addresses = InternTable<SocketAddress>()
    let labels = InternTable<String>()
    let queueByteCountMax = Atomic<Int>(0)
    let queueBackpressureByteCount = Atomic<Int>(0)
    let queueOverflow = Atomic<UInt8>(0)
    let subscriptionCountMax = Atomic<Int>(0)
    /// Blocks of cells; filled in order by the owner, never emptied.
    let cellBlocks: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<SharedCell>?>>
    let subscriptionCounts = SubscriptionCounts()

    init(eventDescriptor: Int32) {
      mailbox = Mailbox(eventDescriptor: eventDescriptor)
      // Zeroed pages are nil pointers, and cost nothing before they are written to.
      unsafe cellBlocks = calloc(ReactorPort.blockCountMax, MemoryLayout<Int>.stride)
        .assumingMemoryBound(to: Atomic<UnsafeMutablePointer<SharedCell>?>.self)
    }
  }

  /// Reactors that may run at once in a process.
  static let countMax: UInt32 = 1024

  private static let cellsPerBlock = 1024
  fileprivate static let blockCountMax = ConnectionSlab.capacityMax / cellsPerBlock

  fileprivate init(_ memory: UnsafeMutablePointer<State>) {
    unsafe self.memory = memory
  }

  fileprivate init(eventDescriptor: Int32) {
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: State(eventDescriptor: eventDescriptor))
  }

  var pointee: State {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
  }

  /// The port of the reactor with this number, as long as that one runs.
  static func live(_ number: UInt32) -> ReactorPort? {
    // A port that nobody has says 0.
    guard number != 0, let port = PortTable.shared.port(at: number),
      port.pointee.number.load(ordering: .acquiring) == number
    else { return nil }
    return port
  }

  /// The cell of a slot that has been in use.
  func cell(at index: UInt32) -> SharedCellPointer? {
    let (block, position) = Int(index).quotientAndRemainder(dividingBy: Self.cellsPerBlock)
    guard block < Self.blockCountMax,
      let cells = unsafe pointee.cellBlocks[block].load(ordering: .acquiring)
    else { return nil }
    return unsafe SharedCellPointer(cells + position)
  }

  /// The cell of a slot, made if it is the first of its block. Owner only. Nil: no memory.
  func makeCell(at index: UInt32) -> SharedCellPointer? {
    if let cell = cell(at: index) { return cell }
    let bytes = MemoryLayout<SharedCell>.stride * Self.cellsPerBlock
    let raw = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard unsafe raw != MAP_FAILED, let raw = unsafe raw else { return nil }
    // A fresh page is zero, and zero is what every field of a cell begins with.
    let cells = unsafe raw.assumingMemoryBound(to: SharedCell.self)
    let (block, position) = Int(index).quotientAndRemainder(dividingBy: Self.cellsPerBlock)
    unsafe pointee.cellBlocks[block].store(cells, ordering: .releasing)
    return unsafe SharedCellPointer(cells + position)
  }

  var queueLimits: QueueLimits {
    QueueLimits(
      byteCountMax: pointee.queueByteCountMax.load(ordering: .relaxed),
      backpressureByteCount: pointee.queueBackpressureByteCount.load(ordering: .relaxed),
      overflow: QueueLimits.Overflow(rawValue: pointee.queueOverflow.load(ordering: .relaxed))
        ?? .close)
  }

  func setQueueLimits(_ limits: QueueLimits) {
    pointee.queueByteCountMax.store(limits.byteCountMax, ordering: .relaxed)
    pointee.queueBackpressureByteCount.store(limits.backpressureByteCount, ordering: .relaxed)
    pointee.queueOverflow.store(limits.overflow.rawValue, ordering: .relaxed)
  }
}

/// All ports of the process.
@safe private final class PortTable: @unchecked Sendable {
  static let shared = PortTable()

  /// The address of each port, 0 before it is made.
  private let ports: UnsafeMutablePointer<Atomic<UInt>>
  /// The number that each place of the table gives next; its remainder by `countMax` is the place.
  private let nextNumbers = ConditionLock<[UInt32]>([])
  private let isTaken = ConditionLock<[Bool]>([])

  init() {
    unsafe ports = calloc(Int(ReactorPort.countMax), MemoryLayout<UInt>.stride)
      .assumingMemoryBound(to: Atomic<UInt>.self)
  }

  func port(at number: UInt32) -> ReactorPort? {
    let address = unsafe ports[Int(number % ReactorPort.countMax)].load(ordering: .acquiring)
    let pointer = unsafe UnsafeMutablePointer<ReactorPort.State>(bitPattern: address)
    return unsafe pointer.map { unsafe ReactorPort($0) }
  }

  func take() throws(SystemError) -> (ReactorPort, UInt32) {
    let place: Int? = isTaken.withLock { taken in
      if let free = taken.firstIndex(of: false) {
        taken[free] = true
        return free
      }
      guard taken.count < ReactorPort.countMax else { return nil }
      taken.append(true)
      return taken.count - 1
    }
    guard let place else { throw SystemError("start a reactor", code: EAGAIN) }
    do {
      return try use(place)
    } catch {
      isTaken.withLock { $0[place] = false }
      throw error
    }
  }

  private func use(_ place: Int) throws(SystemError) -> (ReactorPort, UInt32) {
    let number: UInt32 = nextNumbers.withLock { numbers in
      while numbers.count <= place { numbers.append(UInt32(numbers.count) + ReactorPort.countMax) }
      defer { numbers[place] &+= ReactorPort.countMax }
      return numbers[place]
    }
    if let port = port(at: number) { return (port, number) }
    let descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError.current("eventfd") }
    let port = ReactorPort(eventDescriptor: descriptor)
    unsafe ports[place].store(port.address, ordering: .releasing)
    return (port, number)
  }

  func release(_ number: UInt32) {
    isTaken.withLock { $0[Int(number % ReactorPort.countMax)] = false }
  }
}

extension ReactorPort {
  fileprivate var address: UInt { unsafe UInt(bitPattern: memory) }

  /// Takes a port for a new reactor, and the number it has from now on.
  static func open(
    _ limits: QueueLimits, subscriptionCountMax: Int = .max
  ) throws(SystemError) -> (ReactorPort, UInt32) {
    let (port, number) = try PortTable.shared.take()
    port.pointee.addresses.removeAll()
    port.pointee.labels.removeAll()
    port.setQueueLimits(limits)
    port.pointee.subscriptionCountMax.store(subscriptionCountMax, ordering: .relaxed)
    port.pointee.mailbox.open()
    port.pointee.number.store(number, ordering: .releasing)
    return (port, number)
  }

  /// Gives the port back. Returns what was posted until now; nothing can be posted any more.
  func close(_ number: UInt32) -> MailboxEntryPointer? {
    pointee.number.store(0, ordering: .sequentiallyConsistent)
    let rest = unsafe pointee.mailbox.close()
    PortTable.shared.release(number)
    return unsafe rest
  }
}
