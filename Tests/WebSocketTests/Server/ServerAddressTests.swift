import Glibc
import Reactor
import Testing

@testable import WebSocket

@Suite("A server at a name")
struct ServerAddressTests {
  private static let loopbacks: [SocketAddress] = [.ipv6(1, port: 0), .loopback(port: 0)]

  @Test(
    "listens at all its addresses, in whatever order they stand, with one port",
    arguments: [loopbacks, loopbacks.reversed(), loopbacks + loopbacks], [1, 2])
  func several(_ resolved: [SocketAddress], reactorCount: Int) throws {
    var configuration = try ServerConfiguration(port: 0, host: "localhost") { _, _ in resolved }
    configuration.reactor.reactorCount = reactorCount
    let server = try Server(configuration) { on in
      on.received = { connection, message, _ in connection.send(message) }
    }
    #expect(server.addresses.count == 2)
    let port = try #require(server.addresses[0].port)
    #expect(port != 0)
    #expect(Set(server.addresses) == [.ipv6(1, port: port), .loopback(port: port)])
    for address in server.addresses { #expect(accepts(address)) }
    server.stop()
    #expect(server.wait() == .ended)
  }

  @Test("passes over those that the machine does not have, if it has one")
  func absent() throws {
    let foreign = SocketAddress.ipv4(0xC000_0201, port: 0)
    for addresses in [[foreign, .loopback(port: 0)], [.loopback(port: 0), foreign]] {
      let configuration = try ServerConfiguration(port: 0, host: "here") { _, _ in addresses }
      let server = try Server(configuration) { _ in }
      #expect(server.addresses.map(\.host) == ["127.0.0.1"])
      server.stop()
      server.wait()
    }
    let configuration = try ServerConfiguration(port: 0, host: "elsewhere") { _, _ in
      [foreign, .ipv4(0xCB00_7101, port: 0)]
    }
    let error = #expect(throws: SystemError.self) { try Server(configuration) { _ in } }
    #expect(error?.code == EADDRNOTAVAIL)
  }

  @Test("at :: and 0.0.0.0 is not in its own way")
  func wildcards() throws {
    let any: [SocketAddress] = [.any(port: 0), .ipv4(0, port: 0)]
    let configuration = try ServerConfiguration(port: 0, host: "any") { _, _ in any }
    let server = try Server(configuration) { _ in }
    let port = try #require(server.addresses[0].port)
    #expect(server.addresses == [.any(port: port), .ipv4(0, port: port)])
    for address in [SocketAddress.ipv6(1, port: port), .loopback(port: port)] {
      #expect(accepts(address))
    }
    server.stop()
    server.wait()

    // As they may be written by hand.
    let written = ServerConfiguration(addresses: server.addresses)
    let second = try Server(written) { _ in }
    #expect(second.addresses == server.addresses)
    second.stop()
    second.wait()
  }

  @Test("is not at any address if one of them is taken")
  func taken() throws {
    let first = try Server(ServerConfiguration(port: 0)) { _ in }
    let port = try #require(first.addresses[0].port)
    let configuration = try ServerConfiguration(port: port, host: "localhost") { _, port in
      [.ipv6(1, port: port), .loopback(port: port)]
    }
    let error = #expect(throws: SystemError.self) { try Server(configuration) { _ in } }
    #expect(error?.code == EADDRINUSE)
    #expect(!accepts(.ipv6(1, port: port)))
    first.stop()
    first.wait()
  }

  @Test("that is written as an address is at that one")
  func address() throws {
    let configuration = try ServerConfiguration(port: 0)
    #expect(configuration.addresses == [.loopback(port: 0)])
    #expect(!configuration.listener.isOneHost)
  }
}

private func accepts(_ address: SocketAddress) -> Bool {
  var ipv4 = sockaddr_in()
  var ipv6 = sockaddr_in6()
  let descriptor: Int32
  var result: Int32 = -1
  switch address {
  case .ipv4(let number, let port):
    ipv4.sin_family = sa_family_t(AF_INET)
    ipv4.sin_port = port.bigEndian
    ipv4.sin_addr.s_addr = number.bigEndian
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    result = withUnsafePointer(to: &ipv4) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  case .ipv6(let number, let port, _):
    ipv6.sin6_family = sa_family_t(AF_INET6)
    ipv6.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &ipv6.sin6_addr) {
      $0.storeBytes(of: number.bigEndian, as: UInt128.self)
    }
    descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    result = withUnsafePointer(to: &ipv6) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  default: return false
  }
  close(descriptor)
  return result == 0
}
