internal import Glibc

/// Plain values by number, in blocks that are made when they are first needed and never move. Blocks are
/// mapped, so that the kernel gets all of them back with the table, and no arena of malloc keeps them.
@safe struct BlockTable<Element: BitwiseCopyable>: ~Copyable {
  private static var blockCount: Int { 1024 }
  private static var blockByteCount: Int { blockCount * MemoryLayout<Element>.stride }

  private var blocks: [UnsafeMutablePointer<Element>?] = unsafe []

  deinit {
    for position in unsafe blocks.indices {
      if let block = unsafe blocks[position] { unsafe munmap(block, Self.blockByteCount) }
    }
  }

  var holdsMemory: Bool { unsafe !blocks.isEmpty }

  /// Sets a value, in whatever block.
  mutating func set(_ position: Int, _ value: Element) {
    let (block, offset) = position.quotientAndRemainder(dividingBy: Self.blockCount)
    while unsafe block >= blocks.count { unsafe blocks.append(nil) }
    if unsafe blocks[block] == nil {
      guard let memory = try? unsafe mapMemory(byteCount: Self.blockByteCount) else {
        fatalError("There is no memory for another \(Self.blockByteCount) bytes.")
      }
      let made = unsafe memory.bindMemory(to: Element.self, capacity: Self.blockCount)
      unsafe made.initialize(repeating: value, count: Self.blockCount)
      unsafe blocks[block] = unsafe made
    }
    unsafe blocks[block].unsafelyUnwrapped[offset] = value
  }

  /// A value that has been set.
  subscript(position: Int) -> Element {
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer(
        blocks[position / Self.blockCount].unsafelyUnwrapped + position % Self.blockCount)
    }
    @inline(__always) unsafeMutableAddress {
      unsafe blocks[position / Self.blockCount].unsafelyUnwrapped + position % Self.blockCount
    }
  }
}
