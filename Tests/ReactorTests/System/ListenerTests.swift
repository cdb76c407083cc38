import CProcess
import Glibc
import Testing

@testable import Reactor

@Suite("Listeners")
struct ListenerTests {
  @Test(
    "port 0 becomes a port that can be read, on IPv4 and IPv6", arguments: ["127.0.0.1", "::1"])
  func portZero(host: String) throws {
    let asked = try #require(SocketAddress.parse(host, port: 0))
    let listener = try Listener.open(asked)
    defer { listener.close() }
    #expect(listener.address.host == host)
    #expect(listener.address.port != 0)
    let client = try TestSocket.connect(listener.address)
    defer { client.close() }
    #expect(try client.peerAddress() == listener.address)
  }

  @Test("a dual-stack listener takes IPv4 connections, and shows their addresses as such")
  func dualStack() throws {
    let listener = try Listener.open(.any(port: 0))
    defer { listener.close() }
    let client = try TestSocket.connect(.loopback(port: try #require(listener.address.port)))
    defer { client.close() }
    let accepted = try TestSocket.accept(listener)
    defer { accepted.close() }
    #expect(try accepted.peerAddress() == client.localAddress())
    #expect(try client.localAddress().host == "127.0.0.1")
  }

  @Test("accepted connections inherit what the listener was given")
  func inherited() throws {
    var options = ListenerOptions()
    options.sendBufferByteCount = 32 * 1024
    let listener = try Listener.open(.loopback(port: 0), options: options)
    defer { listener.close() }
    let client = try TestSocket.connect(listener.address)
    defer { client.close() }
    let accepted = try TestSocket.accept(listener)
    defer { accepted.close() }
    #expect(try accepted.value(of: .isUndelayed) == 1)
    #expect(try accepted.value(of: .isKeptAlive) == 1)
    #expect(try accepted.value(of: .sendBufferByteCount) == 64 * 1024)
    #expect(fcntl(accepted.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(accepted.descriptor, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test("an address in use is an error that says what to do; a shared port is not in use")
  func inUse() throws {
    let first = try Listener.open(.loopback(port: 0))
    defer { first.close() }
    let error = #expect(throws: SystemError.self) { try Listener.open(first.address) }
    #expect(error?.code == EADDRINUSE)
    #expect(error?.advice != nil)

    var shared = ListenerOptions()
    shared.isPortShared = true
    let second = try Listener.open(.loopback(port: 0), options: shared)
    defer { second.close() }
    let third = try Listener.open(second.address, options: shared)
    defer { third.close() }
    #expect(second.address == third.address)
  }

  @Test("an address that this machine does not have is refused")
  func foreignAddress() {
    let error = #expect(throws: SystemError.self) {
      try Listener.open(.ipv4(0xC000_0201, port: 0))
    }
    #expect(error?.code == EADDRNOTAVAIL)
  }

  @Test("a Unix socket's left-over file is replaced, and removed at close")
  func leftOver() throws {
    let path = TestSocket.path("left-over")
    let dead = try Listener.open(.unixPath(path))
    Socket(dead.descriptor).close()
    #expect(access(path, F_OK) == 0)
    let listener = try Listener.open(.unixPath(path))
    let client = try TestSocket.connect(.unixPath(path))
    client.close()
    listener.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test("a Unix socket that somebody listens at, and a file that is no socket, stay")
  func occupied() throws {
    let path = TestSocket.path("occupied")
    let listener = try Listener.open(.unixPath(path))
    let error = #expect(throws: SystemError.self) { try Listener.open(.unixPath(path)) }
    #expect(error?.code == EADDRINUSE)
    let client = try TestSocket.connect(.unixPath(path))
    client.close()
    listener.close()

    let file = open(path, O_CREAT | O_WRONLY, 0o600)
    Socket(file).close()
    defer { unlink(path) }
    #expect(throws: SystemError.self) { try Listener.open(.unixPath(path)) }
    #expect(access(path, F_OK) == 0)
  }

  @Test("closing does not remove the file of a socket that has taken the name since")
  func takenOver() throws {
    let path = TestSocket.path("taken")
    let first = try Listener.open(.unixPath(path))
    unlink(path)
    let second = try Listener.open(.unixPath(path))
    first.close()
    #expect(access(path, F_OK) == 0)
    second.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test("an abstract Unix socket leaves no file")
  func abstract() throws {
    let listener = try Listener.open(.unixAbstract("martlet-\(getpid())-abstract"))
    defer { listener.close() }
    let client = try TestSocket.connect(listener.address)
    #expect(try client.peerAddress() == listener.address)
    #expect(try client.localAddress() == .unixUnnamed)
    client.close()
  }

  @Test(
    "a Unix socket's file has the permissions that are asked for, whatever the umask",
    arguments: [0o600, 0o660, 0o666] as [UInt16])
  func mode(mode: UInt16) throws {
    let path = TestSocket.path("mode-\(mode)")
    var options = ListenerOptions()
    options.unixSocketMode = mode
    let listener = try Listener.open(.unixPath(path), options: options)
    defer { listener.close() }
    var status = stat()
    #expect(lstat(path, &status) == 0)
    #expect(status.st_mode & 0o7777 == mode_t(mode))
    try TestSocket.connect(.unixPath(path)).close()
  }

  @Test("a Unix socket is for those whom its file permits, if another user asks to begin with")
  func otherUser() async {
    await #expect(processExitsWith: .success) {
      guard geteuid() == 0 else { return }
      var options = ListenerOptions()
      options.unixSocketMode = 0o600
      let closed = TestSocket.path("closed")
      let listeners = ConditionLock<[Listener]>([])
      let first = try Listener.open(.unixPath(closed), options: options)
      options.unixSocketOwner = 65_534
      options.unixSocketGroup = 65_533
      let given = TestSocket.path("given")
      let second = try Listener.open(.unixPath(given), options: options)
      listeners.withLock { $0 = [first, second] }
      var status = stat()
      #expect(lstat(given, &status) == 0)
      #expect(status.st_uid == 65_534 && status.st_gid == 65_533)
      let child = process_fork()
      if child == 0 {
        guard setgid(65_534) == 0, setuid(65_534) == 0 else { _exit(1) }
        let refused = (try? TestSocket.connect(.unixPath(closed))) == nil && errno == EACCES
        let permitted = (try? TestSocket.connect(.unixPath(given))) != nil
        _exit(refused ? permitted ? 0 : 3 : 2)
      }
      var code: Int32 = 0
      #expect(waitpid(child, &code, 0) == child)
      #expect(code == 0)
      for listener in listeners.withLock({ $0 }) { listener.close() }
    }
  }

  @Test("a Unix socket that cannot be given away leaves no file")
  func notGiven() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        if geteuid() == 0 { #expect(setuid(65_534) == 0) }
        let path = TestSocket.path("not-given")
        var options = ListenerOptions()
        options.unixSocketOwner = 0
        let error = #expect(throws: SystemError.self) {
          try Listener.open(.unixPath(path), options: options)
        }
        #expect(error?.code == EPERM && error?.advice != nil)
        #expect(access(path, F_OK) != 0)
      }
    }
  }
}
