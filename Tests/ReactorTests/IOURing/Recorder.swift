@testable import Reactor

/// Writes down what a backend reports, and does what a test asks for in between.
final class Recorder: CompletionReceiver {
  var acceptedDescriptors: [Int32] = []
  var acceptErrors: [Int32] = []
  /// By record index.
  var receivedBytes: [UInt32: [UInt8]] = [:]
  var receivedSizes: [UInt32: [Int]] = [:]
  var receiveEnds: [UInt32: [Int32]] = [:]
  var sentCounts: [UInt32: [Int]] = [:]
  var sendErrors: [UInt32: [Int32]] = [:]
  var closedIndexes: [UInt32] = []

  var onReceived: ((UnsafeMutableRawBufferPointer, ConnectionPointer) -> Void)?
  var onSent: ((Int, ConnectionPointer) -> Void)?
  var onClosed: ((ConnectionPointer) -> Void)?

  func accepted(_ descriptor: Int32, listener: Int) { acceptedDescriptors.append(descriptor) }
  func acceptFailed(_ code: Int32, listener: Int) { acceptErrors.append(code) }

  func connected(_ code: Int32, on connection: ConnectionPointer) {}

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    // The headroom is the receiver's to write to.
    let headroom = UnsafeMutableRawBufferPointer(
      start: bytes.baseAddress! - Reactor.receiveHeadroom, count: Reactor.receiveHeadroom)
    for position in headroom.indices { headroom[position] = 0xEE }
    receivedBytes[connection.pointee.index, default: []] += bytes
    receivedSizes[connection.pointee.index, default: []].append(bytes.count)
    onReceived?(bytes, connection)
  }

  func receiveEnded(_ code: Int32, on connection: ConnectionPointer) {
    receiveEnds[connection.pointee.index, default: []].append(code)
  }

  func examined(_ bytes: SocketBytes, on connection: ConnectionPointer) {}

  func sent(_ byteCount: Int, on connection: ConnectionPointer) {
    sentCounts[connection.pointee.index, default: []].append(byteCount)
    onSent?(byteCount, connection)
  }

  func sendFailed(_ code: Int32, on connection: ConnectionPointer) {
    sendErrors[connection.pointee.index, default: []].append(code)
  }

  func closed(_ connection: ConnectionPointer) {
    closedIndexes.append(connection.pointee.index)
    onClosed?(connection)
  }
}
