import Glibc
import Testing

@testable import Reactor

@Suite("Socket addresses")
struct SocketAddressTests {
  @Test(
    "written addresses are understood and written back",
    arguments: [
      ("127.0.0.1", "127.0.0.1:80"), ("0.0.0.0", "0.0.0.0:80"), ("255.1.2.3", "255.1.2.3:80"),
      ("::1", "[::1]:80"), ("[::1]", "[::1]:80"), ("fe80::1%7", "[fe80::1%7]:80"),
      ("unix:/run/a.socket", "unix:/run/a.socket"), ("unix:@name", "unix:@name"),
    ])
  func parse(text: String, description: String) throws {
    let address = try #require(SocketAddress.parse(text, port: 80))
    #expect(address.description == description)
    #expect(try KernelSocketAddress(address).address == address)
  }

  @Test(
    "what is no address is refused", arguments: ["", "127.0.0", "host", "::g", "unix:", "[::1"])
  func refuse(text: String) {
    #expect(SocketAddress.parse(text, port: 80) == nil)
  }

  @Test("an IPv4 address mapped into IPv6 becomes the IPv4 address that it is")
  func mapped() throws {
    let mapped = SocketAddress.ipv6(0xFFFF_7F00_0001, port: 9)
    #expect(try KernelSocketAddress(mapped).address == .loopback(port: 9))
  }

  @Test(
    "an address survives being packed",
    arguments: [
      .ipv4(0xFFFF_FFFE, port: 65535), .ipv6(.max, port: 1, scope: .max), .ipv6(1, port: 0),
      .unixUnnamed,
    ] as [SocketAddress])
  func packed(address: SocketAddress) {
    #expect(address.packed.address == address)
    let words = address.packed
    #expect(PackedSocketAddress(high: words.high, low: words.low, tail: words.tail) == words)
  }

  @Test("a packed Unix address forgets its name, and no address stays none")
  func packedWithoutName() {
    #expect(SocketAddress.unixPath("/a").packed.address == .unixUnnamed)
    #expect(PackedSocketAddress.none.address == nil)
  }

  @Test("a Unix name that does not fit or has a zero byte in it is refused, not cut")
  func longName() throws {
    let fits = String(repeating: "a", count: 107)
    #expect(try KernelSocketAddress(.unixPath(fits)).address == .unixPath(fits))
    let error = #expect(throws: SystemError.self) { try KernelSocketAddress(.unixPath(fits + "a")) }
    #expect(error?.code == ENAMETOOLONG)
    #expect(throws: SystemError.self) { try KernelSocketAddress(.unixPath("a\0b")) }
    #expect(throws: SystemError.self) { try KernelSocketAddress(.unixPath("")) }
  }

  @Test("host names are resolved, and an unknown one says so")
  func resolve() throws {
    let addresses = try SocketAddress.resolve("localhost", port: 7)
    #expect(addresses.contains { $0 == .loopback(port: 7) || $0 == .ipv6(1, port: 7) })
    #expect(try SocketAddress.resolve("127.0.0.1", port: 7) == [.loopback(port: 7)])
    let error = #expect(throws: SystemError.self) {
      try SocketAddress.resolve("no such host", port: 7)
    }
    #expect(error?.advice != nil)
  }
}
