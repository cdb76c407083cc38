/// Plain values by number, in blocks that are made when they are first needed and never move.
@safe struct BlockTable<Element: BitwiseCopyable>: ~Copyable {
  private static var blockCount: Int { 1024 }

  private var blocks: [UnsafeMutablePointer<Element>?] = unsafe []

  deinit {
    for position in unsafe blocks.indices { unsafe blocks[position]?.deallocate() }
  }

  /// Sets a value, in whatever block.
  mutating func set(_ position: Int, _ value: Element) {
    let (block, offset) = position.quotientAndRemainder(dividingBy: Self.blockCount)
    while unsafe block >= blocks.count { unsafe blocks.append(nil) }
    if unsafe blocks[block] == nil {
      let made = UnsafeMutablePointer<Element>.allocate(capacity: Self.blockCount)
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
