import Glibc

/// A server that nobody gets through to: its backlog is full, and it accepts nobody.
final class FullServer {
  private let server: ScriptedServer
  private var fillers: [Int32] = []

  init() throws {
    server = try ScriptedServer(backlogCount: 0)
    for _ in 0..<4 {
      let filler = socket(
        AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
      let family = withUnsafeBytes(of: UInt16(AF_INET), Array.init)
      let address =
        family + [UInt8(server.port >> 8), UInt8(server.port & 255), 127, 0, 0, 1]
        + [UInt8](repeating: 0, count: 8)
      _ = address.withUnsafeBytes {
        connect(filler, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), 16)
      }
      fillers.append(filler)
    }
    usleep(20_000)
  }

  deinit {
    for filler in fillers { Glibc.close(filler) }
  }

  var url: String { server.url }
  var port: UInt16 { server.port }
}
