import Glibc
import Testing

@testable import Reactor

@Suite("Contract of backends: sending from the log's file")
struct FileSendingContractTests {
  static let kinds = ContractBackend.tested.filter { $0 == .epoll || $0 == .simulated }
  /// Those that make system calls for it.
  static let kernelKinds: [ContractBackend] = [.epoll]

  @Test(
    "16 MiB arrive intact though the reader is slow", arguments: kinds,
    Transport.allCases)
  func slowReader(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      #expect(reactor.backend.fileByteCountMin < .max)
      let (connection, client) = try reactor.connect(transport)
      let bytes = patternedBytes((16 << 20) + 1)
      let sender = try reactor.send(fromFile: bytes, on: connection)
      var received: [UInt8] = []
      reactor.run(until: { received.count >= bytes.count }) {
        received += client.readSome(limit: 200_000) ?? []
      }
      #expect(received == bytes)
      reactor.run(until: { sender.isDone })
      #expect(sender.wasPending && sender.failure == nil)
      #expect(reactor.backend.fileSendCount > 1)
      client.close()
    }
  }

  @Test(
    "what the socket has lives on when the file's memory is given back, and used for other bytes",
    arguments: kinds, Transport.allCases)
  func givenBack(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      Simulation.current?.faults.lateSend = 0
      Simulation.current?.faults.shortWrite = 0
      let file = try #require(LogFile.shared)
      let (connection, client) = try reactor.connect(transport)
      let bytes = patternedBytes(100_000)
      let sender = try reactor.send(fromFile: bytes, on: connection)
      let sentCount = sender.sentCount
      #expect(sentCount > (kind == .simulated ? 0 : 30_000) && reactor.backend.fileSendCount > 0)
      // What is still to be sent needs the memory, but for the test.
      if sender.isPending { reactor.close(connection) }
      reactor.run(until: { reactor.openCount == (sender.isPending ? 0 : 1) })
      sender.giveBack()
      for _ in 0..<20 {
        let piece = try #require(file.take(bytes.count))
        memset(piece.address, 0xEE, piece.byteCount)
        file.giveBack(piece)
      }
      var received: [UInt8] = []
      reactor.run(
        until: { received.count >= sentCount },
        client: { received += client.readSome(limit: sentCount - received.count) ?? [] })
      #expect(received[...] == bytes[..<sentCount])
      client.close()
    }
  }

  @Test("a send takes one system call, if the socket takes it all", arguments: kernelKinds)
  func systemCalls(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      let before = reactor.backend.systemCallCount
      let sender = try reactor.send(fromFile: patternedBytes(33_000), on: connection)
      #expect(sender.isDone && reactor.backend.systemCallCount == before + 1)
      #expect(reactor.backend.fileSendCount == 1)
      client.close()
    }
  }

  @Test("a broken socket fails the send, and raises no signal")
  func broken() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        signal(SIGPIPE, SIG_DFL)
        let thread = try Thread.start(name: "reactor") {
          do {
            for kind in FileSendingContractTests.kernelKinds { try sendToTheReset(kind) }
          } catch {
            exit(3)
          }
        }
        thread.join()
      }
    }
  }

  @Test("with a file that cannot be sent from, the bytes are copied")
  func unusable() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        // Sending from the first ends at once; from the other, in an error.
        for (path, flags) in [("/dev/null", O_RDONLY), ("/", O_RDONLY | O_DIRECTORY)] {
          for kind in FileSendingContractTests.kernelKinds {
            let other = open(path, flags)
            try #require(other >= 0)
            try sendFromUnusable(other, kind)
          }
        }
      }
    }
  }
}

/// A signal would end the process.
private func sendToTheReset(_ kind: ContractBackend) throws {
  try TestReactor.run(kind) { reactor in
    let (connection, client) = try reactor.connect(receiving: false)
    client.closeWithReset()
    // Takes the error that would come first, and raises no signal.
    var code: Int32 = 0
    var byteCount = socklen_t(4)
    getsockopt(connection.pointee.descriptor, SOL_SOCKET, SO_ERROR, &code, &byteCount)
    let sender = try reactor.send(fromFile: patternedBytes(33_000), on: connection)
    guard code == ECONNRESET, sender.failure == EPIPE else { exit(2) }
  }
}

/// Sends from a file whose place another one takes meanwhile.
private func sendFromUnusable(_ other: Int32, _ kind: ContractBackend) throws {
  let file = try #require(LogFile.shared)
  let kept = dup(file.descriptor)
  try TestReactor.run(kind) { reactor in
    let (connection, client) = try reactor.connect()
    let sender = try Sender(fromFile: patternedBytes(33_000), on: connection, of: reactor.backend)
    try #require(dup2(other, file.descriptor) >= 0)
    sender.start()
    try #require(dup2(kept, file.descriptor) >= 0)
    guard sender.isDone, reactor.backend.fileSendCount == 0 else { exit(2) }
    var received: [UInt8] = []
    while received.count < 33_000 { received += client.readSome() ?? [] }
    guard received == patternedBytes(33_000) else { exit(3) }
    client.close()
  }
}
