import Glibc
import Synchronization
import Testing

@testable import Reactor

/// Each test gives a reactor work for more than a second, and asks somebody who has nothing to do with it.
@Suite("A pass that could take seconds", .serialized)
struct BoundedPassTests {
  /// What a part of a pass may take, many times over: others use the machine too.
  private static let patience = Duration.milliseconds(700)

  @Test(
    "lets others have their turn between posts, which keep their order",
    arguments: TestBackend.kinds)
  func posts(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let client = try server.connect()
    #expect(client.ask("here") == "here")
    let ran = ConditionLock<[Int]>([])
    let isHeld = Atomic<Bool>(true)
    // All of them are there before the first one is run.
    server.group.execute { _ in while isHeld.load(ordering: .acquiring) { usleep(1000) } }
    Pause.milliseconds(20)
    for number in 0..<1500 {
      server.group.execute { reactor in
        if reactor != nil { usleep(1000) }
        ran.withLock { $0.append(number) }
      }
    }
    let start = ContinuousClock.now
    isHeld.store(false, ordering: .releasing)
    for number in 0..<3 { #expect(client.ask("\(number)") == "\(number)") }
    #expect(ContinuousClock.now - start < Self.patience)
    #expect(ran.withLock { $0.count } < 1500)
    #expect(server.wait { ran.withLock { $0.count } == 1500 })
    #expect(ran.withLock { $0 } == Array(0..<1500))
    server.stop()
  }

  @Test(
    "lets others have their turn between jobs whose time has come",
    arguments: TestBackend.kinds)
  func jobs(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let client = try server.connect()
    #expect(client.ask("here") == "here")
    let ran = ConditionLock<[Int]>([])
    server.group.execute { reactor in
      for number in 0..<1500 {
        reactor?.execute(afterMilliseconds: 10) { call in
          if call == .run { usleep(1000) }
          ran.withLock { $0.append(number) }
        }
      }
    }
    #expect(server.wait { ran.withLock { !$0.isEmpty } })
    let start = ContinuousClock.now
    for number in 0..<3 { #expect(client.ask("\(number)") == "\(number)") }
    #expect(ContinuousClock.now - start < Self.patience)
    #expect(server.wait { ran.withLock { $0.count } == 1500 })
    #expect(ran.withLock { $0 } == Array(0..<1500))
    server.stop()
  }
}
