internal import Glibc

/// The watches of one reactor, by the indices of their connections. Few connections are watched at a time,
/// but all of them when all end at once: so the memory is mapped, and is given back to the kernel when
/// no connection is watched any more.
@safe struct SendWatches: ~Copyable {
  /// Watches in one block.
  private static var blockCount: Int { 256 }
  private static var blockByteCount: Int { blockCount * MemoryLayout<SendWatch?>.stride }

  private var blocks: [UnsafeMutablePointer<SendWatch?>?] = unsafe []
  /// Connections that are watched.
  private(set) var count = 0

  deinit { unmap() }

  /// The watch of a connection. Nil: it is not watched.
  subscript(index: UInt32) -> SendWatch? {
    get {
      let (position, offset) = Int(index).quotientAndRemainder(dividingBy: Self.blockCount)
      guard unsafe position < blocks.count, let block = unsafe blocks[position] else { return nil }
      return unsafe block[offset]
    }
    set {
      let (position, offset) = Int(index).quotientAndRemainder(dividingBy: Self.blockCount)
      if self[index] != nil { count -= 1 } else if newValue == nil { return }
      if newValue != nil { count += 1 }
      let block = unsafe block(position)
      unsafe block[offset] = newValue
    }
  }

  private mutating func block(_ position: Int) -> UnsafeMutablePointer<SendWatch?> {
    while unsafe position >= blocks.count { unsafe blocks.append(nil) }
    if let block = unsafe blocks[position] { return unsafe block }
    guard let memory = try? unsafe mapMemory(byteCount: Self.blockByteCount) else {
      fatalError("There is no memory for \(Self.blockByteCount) bytes.")
    }
    let block = unsafe memory.bindMemory(to: SendWatch?.self, capacity: Self.blockCount)
    unsafe block.initialize(repeating: nil, count: Self.blockCount)
    unsafe blocks[position] = unsafe block
    return unsafe block
  }

  /// Gives the memory back, if no connection is watched.
  mutating func trim() {
    guard count == 0 else { return }
    unmap()
    unsafe blocks = unsafe []
  }

  private func unmap() {
    for position in unsafe blocks.indices {
      if let block = unsafe blocks[position] { unsafe munmap(block, Self.blockByteCount) }
    }
  }

  var holdsMemory: Bool { unsafe !blocks.isEmpty }
}
