import Glibc
import Testing

@testable import Reactor

@Suite("Resolving names", .serialized)
struct NameResolverTests {
  @Test("answers all who ask, on another thread, with the port of each")
  func many() {
    let answers = ConditionLock<[UInt16: [SocketAddress]]>([:])
    let asking = pthread_self()
    for port in UInt16(1)...500 {
      SocketAddress.resolve("localhost", port: port) { result in
        #expect(pthread_self() != asking)
        answers.change { $0[port] = (try? result.get()) ?? [] }
      }
    }
    let all = answers.wait { $0.count == 500 ? $0 : nil }
    for (port, addresses) in all {
      #expect(!addresses.isEmpty && addresses.allSatisfy { $0.port == port })
      #expect(addresses.contains { ["127.0.0.1", "::1"].contains($0.host) })
    }
  }

  @Test("of an unknown name fails and says which, and the next one is answered")
  func unknown() throws {
    let answer = Answer<Result<[SocketAddress], SystemError>>()
    let start = ContinuousClock.now
    SocketAddress.resolve("no-such-name.invalid", port: 1) { answer.give($0) }
    #expect(ContinuousClock.now - start < .milliseconds(500))
    let error = #expect(throws: SystemError.self) { try answer.wait().get() }
    #expect(error?.description.contains("no-such-name.invalid") == true)
    // The resolver's own words: errno has none for this.
    #expect(error.map { $0.code < 0 && $0.advice != nil } == true)
    #expect(error?.description.contains("errno") == false)
    let next = Answer<Result<[SocketAddress], SystemError>>()
    SocketAddress.resolve("127.0.0.9", port: 2) { next.give($0) }
    #expect(try next.wait().get() == [.ipv4(0x7F00_0009, port: 2)])
  }

  @Test("of more names than there are threads ends, and so do the threads")
  func threads() {
    let answers = ConditionLock<Int>(0)
    for number in 0..<40 {
      SocketAddress.resolve("127.0.1.\(number)", port: 1) { result in
        #expect((try? result.get()) == [.ipv4(0x7F00_0100 + UInt32(number), port: 1)])
        // One may ask again from within the answer.
        SocketAddress.resolve("127.0.1.\(number)", port: 2) { _ in
          answers.change { $0 += 1 }
        }
      }
    }
    _ = answers.wait { $0 == 40 ? true : nil }
    let start = ContinuousClock.now
    while Self.resolverCount > 0, ContinuousClock.now - start < .seconds(5) {
      Pause.milliseconds(2)
    }
    #expect(Self.resolverCount == 0)
  }

  @Test("that nobody waits for any more are not looked up, and nothing of theirs is kept")
  func withdrawn() {
    let lookUps = LookUps()
    let resolver = NameResolver(threadCountMax: 1) { lookUps.lookUp($0) }
    let answered = ConditionLock<[String]>([])
    func ask(_ host: String, keeping probe: Probe? = nil) -> NameInquiry {
      resolver.resolve(host) { _ in
        answered.change { $0.append(host) }
        probe?.touch()
      }
    }
    _ = ask("first")
    lookUps.wait(until: ["first"])
    var probe: Probe? = Probe()
    weak let kept = probe
    let shared = ask("first", keeping: probe)
    let inquiries = (0..<1_000).map { ask("name \($0)", keeping: probe) }
    probe = nil
    #expect(kept != nil)
    for inquiry in [shared] + inquiries {
      inquiry.withdraw()
      inquiry.withdraw()
    }
    #expect(kept == nil)
    // Whoever asks again is answered.
    _ = ask("name 7")
    lookUps.open()
    #expect(answered.wait { $0.count == 2 ? $0 : nil } == ["first", "name 7"])
    #expect(lookUps.hosts == ["first", "name 7"])
    // Too late.
    shared.withdraw()
    inquiries[7].withdraw()
  }

  @Test("that take their time hold half of the threads only, once that is known")
  func slow() {
    let lookUps = LookUps()
    lookUps.open()
    let resolver = NameResolver(threadCountMax: 4, slowMilliseconds: 20) { host in
      if host.hasPrefix("slow") { Pause.milliseconds(30) }
      return lookUps.lookUp(host)
    }
    let answered = ConditionLock<[String]>([])
    let slow = (0..<6).map { "slow \($0)" }
    func ask(_ hosts: [String]) {
      for host in hosts {
        _ = resolver.resolve(host) { _ in answered.change { $0.append(host) } }
      }
    }
    ask(slow)
    #expect(answered.wait { $0.count == 6 ? Set($0) : nil } == Set(slow))
    lookUps.close()
    ask(slow)
    lookUps.wait(until: slow + slow.prefix(2))
    lookUps.open(for: "quick")
    ask(["quick"])
    let start = ContinuousClock.now
    while !answered.withLock({ $0.contains("quick") }), ContinuousClock.now - start < .seconds(5) {
      Pause.milliseconds(1)
    }
    #expect(answered.withLock { $0.last } == "quick")
    #expect(lookUps.hosts.count == 9)
    lookUps.open()
    #expect(answered.wait { $0.count == 13 ? Set($0) : nil } == Set(slow + ["quick"]))
  }

  /// Threads that resolve names.
  private static var resolverCount: Int {
    guard let directory = opendir("/proc/self/task") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let file = fopen("/proc/self/task/\(name)/comm", "r") else { continue }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 32)
      if fgets(&line, 32, file) != nil, line.starts(with: "resolver".utf8.map { CChar($0) }) {
        count += 1
      }
    }
    return count
  }
}

/// Stands in for the system's resolver, and answers when it is told to.
private final class LookUps: Sendable {
  private struct State {
    var hosts: [String] = []
    var isOpen = false
    /// The one name that is answered in any case.
    var exception: String?
  }

  private let state = ConditionLock(State())

  func lookUp(_ host: String) -> [SocketAddress] {
    state.change { $0.hosts.append(host) }
    return state.wait { $0.isOpen || $0.exception == host ? [.loopback(port: 0)] : nil }
  }

  func open() { state.change { $0.isOpen = true } }
  func open(for host: String) { state.change { $0.exception = host } }
  func close() { state.change { $0.isOpen = false } }

  /// Names that were looked up, in their order.
  var hosts: [String] { state.withLock { $0.hosts } }

  /// Waits until these names have been looked up, in whatever order.
  func wait(until hosts: [String]) {
    _ = state.wait { $0.hosts.sorted() == hosts.sorted() ? true : nil }
  }
}

/// What an answer holds.
private final class Probe: Sendable {
  func touch() {}
}
