import Glibc

@testable import Reactor
@testable import ReactorSimulation

/// What the other end of a connection does.
extension Socket {
  /// Writes as much as fits. Returns how much.
  func writeSome(_ bytes: ArraySlice<UInt8>) -> Int {
    if let simulated {
      let count = min(max(0, simulated.room), bytes.count)
      bytes.prefix(count).withUnsafeBytes { simulated.write($0) }
      return count
    }
    let count = bytes.withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
    return max(0, count)
  }

  /// Writes a few bytes, which always fit.
  func write(_ text: String) {
    precondition(writeSome(Array(text.utf8)[...]) == text.utf8.count)
  }

  /// Reads what is there, at most `limit` bytes. Nil: the other end has sent FIN, or the connection is
  /// broken.
  func readSome(limit: Int = 1 << 20) -> [UInt8]? {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initializedCount in
      count = read(UnsafeMutableRawBufferPointer(buffer))
      initializedCount = max(0, count)
    }
    if count == 0 { return nil }
    return count > 0 || count == -Int(EAGAIN) ? bytes : nil
  }

  /// Returns the bytes read, 0 at the end, or a negative errno.
  private func read(_ room: UnsafeMutableRawBufferPointer) -> Int {
    if let simulated { return simulated.read(into: room) }
    let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
    return count < 0 ? -Int(errno) : count
  }

  /// What reading would give: 0 for FIN, an errno, or nil when there is neither yet.
  func readEnd() -> Int32? {
    var byte: UInt8 = 0
    let count = withUnsafeMutableBytes(of: &byte) { read($0) }
    return count > 0 || count == -Int(EAGAIN) ? nil : Int32(-count)
  }

  func closeWithReset() {
    resetAtClose()
    close()
  }
}

/// Bytes that show when one is missing, doubled or out of place.
func patternedBytes(_ count: Int) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + patternBlock.count)
  while bytes.count < count { bytes += patternBlock }
  bytes.removeLast(bytes.count - count)
  return bytes
}

/// As long as a prime: no two places at a distance of a power of two look alike.
private let patternBlock = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
