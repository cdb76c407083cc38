internal import CURing
internal import Glibc
internal import Synchronization

/// The log's file in a simulation: memory of which it is known what sockets refer to. What a socket
/// has been given of it stays as it was until the other end has read it; or, when the memory has
/// been given back before, for ever.
@safe struct SimulatedFile {
  /// Beyond all places of the kernel's file.
  static let firstOffset = 1 << 62
  private static let pageByteCount = 4096

  /// When a topic's segments lie in it, and from how many bytes on they are sent from it.
  private(set) var use = LogFile.Use(subscriberCountMin: .max)
  private(set) var sentByteCountMin = Int.max
  /// As in the kernel's file, a place is used once: here also by what comes after a simulation.
  private static let end = Atomic<Int>(firstOffset)
  /// Those in use, and who refers to them.
  private var pieces: [(piece: LogFile.Piece, references: [SimulatedFileReference])] = []

  init(_ choices: inout SimulatedChoices, perMille: Int) {
    guard choices.chance(.fileSending, perMille) else { return }
    // Mostly at once, else too little would ever lie there.
    use.subscriberCountMin = choices.number(.fileSending, 1...3)
    use.growthByteCountMin = 512 << choices.number(.fileSending, 0...3)
    sentByteCountMin = 1 << choices.number(.fileSending, 4...12)
  }

  mutating func take(_ byteCount: Int) -> LogFile.Piece? {
    let rounded = (byteCount + Self.pageByteCount - 1) / Self.pageByteCount * Self.pageByteCount
    guard let address = unsafe calloc(1, rounded) else { return nil }
    // No piece follows another one, so that to go beyond its end is seen.
    let offset = Self.end.add(rounded + Self.pageByteCount, ordering: .relaxed).oldValue
    let piece = unsafe LogFile.Piece(address: address, byteCount: rounded, offset: offset)
    pieces.append((piece, []))
    return piece
  }

  /// Frees memory, also when the simulation is over.
  static func giveBack(_ piece: LogFile.Piece) {
    if let simulation = Simulation.current { simulation.file.remove(piece, simulation) }
    // Whoever looks at it later sees that it is gone.
    unsafe memset(piece.address, 0xEE, piece.byteCount)
    unsafe free(piece.address)
  }

  private mutating func remove(_ piece: LogFile.Piece, _ simulation: Simulation) {
    // It may be another simulation's.
    guard let index = pieces.firstIndex(where: { $0.piece.offset == piece.offset }) else { return }
    for reference in pieces[index].references { reference.end(simulation) }
    pieces.remove(at: index)
  }

  /// Whether a batch lies where it says.
  func contains(_ batch: SendBatch, at offset: Int) -> Bool {
    guard unsafe batch.vectors.count == 1, let base = unsafe batch.vectors[0].iov_base,
      unsafe batch.vectors[0].iov_len == batch.byteCount
    else { return false }
    return pieces.contains { entry in
      let start = offset - entry.piece.offset
      guard start >= 0, start + batch.byteCount <= entry.piece.byteCount else { return false }
      return unsafe entry.piece.address + start == base
    }
  }

  /// A socket has been given so many bytes of it.
  mutating func refer(to byteCount: Int, at offset: Int) -> SimulatedFileReference? {
    let index = pieces.firstIndex {
      offset >= $0.piece.offset && offset < $0.piece.offset + $0.piece.byteCount
    }
    guard let index else { return nil }
    let piece = pieces[index].piece
    let reference = unsafe SimulatedFileReference(
      UnsafeRawBufferPointer(
        start: piece.address + (offset - piece.offset), count: byteCount))
    pieces[index].references.removeAll { $0.isOver }
    pieces[index].references.append(reference)
    return reference
  }
}

/// Bytes of the log's file that a socket refers to, and what they are to be.
@safe final class SimulatedFileReference {
  private let place: UnsafeRawBufferPointer
  private let bytes: [UInt8]
  private(set) var isOver = false

  init(_ place: UnsafeRawBufferPointer) {
    unsafe self.place = place
    bytes = unsafe Array(place)
  }

  /// The other end has read them, or they leave the file.
  func end(_ simulation: Simulation) {
    guard !isOver else { return }
    isOver = true
    let isSame = unsafe bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, let now = unsafe place.baseAddress else { return true }
      return unsafe memcmp(start, now, bytes.count) == 0
    }
    if !isSame { simulation.report(violation: "bytes of the log's file have changed in a socket") }
  }
}
