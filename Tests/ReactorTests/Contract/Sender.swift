import CURing
import Glibc
import Testing

@testable import Reactor

/// Sends bytes through a backend until all are in the kernel, in batches of at most what a reactor sends.
final class Sender {
  private let bytes: UnsafeMutableRawBufferPointer
  private let connection: ConnectionPointer
  private unowned let backend: any Backend
  private let vectorCount: Int
  /// It offers the socket its bytes within the call, until one of them is short.
  private var isSynchronous: Bool
  private(set) var sentCount = 0
  private(set) var isPending = false
  private(set) var wasPending = false
  private(set) var failure: Int32?

  init(
    _ bytes: [UInt8], on connection: ConnectionPointer, of backend: any Backend, vectorCount: Int,
    isSynchronous: Bool = false
  ) {
    self.isSynchronous = isSynchronous
    self.bytes = .allocate(byteCount: bytes.count, alignment: 16)
    self.bytes.copyBytes(from: bytes)
    self.connection = connection
    self.backend = backend
    self.vectorCount = vectorCount
  }

  deinit {
    bytes.deallocate()
  }

  var isDone: Bool { sentCount == bytes.count }

  func start() {
    while !isDone, !isPending, failure == nil { sendOnce() }
  }

  /// The pending send has ended.
  func completed(_ count: Int) {
    guard isPending else { return }
    isPending = false
    sentCount += count
    start()
  }

  /// Asks what has become of the send in flight.
  func settle() {
    guard isPending else { return }
    switch backend.settleSend(on: connection) {
    case .handed(let count):
      isPending = false
      sentCount += count
      start()
    case .blocked(let count), .pending(let count): sentCount += count
    case .failed(let code): failure = code
    }
  }

  private func sendOnce() {
    let end = min(bytes.count, sentCount + SendBatch.byteCountMax)
    let step = max(1, (end - sentCount + vectorCount - 1) / vectorCount)
    var vectors = stride(from: sentCount, to: end, by: step).map { start in
      iovec(iov_base: bytes.baseAddress! + start, iov_len: min(step, end - start))
    }
    let start = vectors.withUnsafeMutableBufferPointer { vectors in
      let batch = SendBatch(vectors: vectors, byteCount: end - sentCount)
      return isSynchronous
        ? backend.sendSynchronously(batch, on: connection) : backend.send(batch, on: connection)
    }
    if case .handed(let count) = start, count < end - sentCount { isSynchronous = false }
    // The iovecs themselves count during the call only.
    for index in vectors.indices { vectors[index] = iovec() }
    switch start {
    case .handed(let count): sentCount += count
    case .pending(let count), .blocked(let count):
      sentCount += count
      isPending = true
      wasPending = true
    case .failed(let code): failure = code
    }
  }
}
