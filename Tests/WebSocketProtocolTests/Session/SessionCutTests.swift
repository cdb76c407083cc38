import Testing
import WebSocketProtocol

/// A stream may be cut anywhere on its way. Whatever the cuts, a session hears the same.
@Suite("sessions at every cut")
struct SessionCutTests {
  private static let shortScripts = Script.all.filter { $0.bytes.count <= 300 }
  private static let longScripts = Script.all.filter { $0.bytes.count > 300 }

  @Test("a stream cut once is heard as if it were whole", arguments: shortScripts)
  func once(script: Script) {
    for cut in 0...script.bytes.count {
      let outcome = Player.play(script, cuts: [cut])
      #expect(outcome == script.outcome, "cut at \(cut)")
    }
  }

  @Test("a stream in steps of any size is heard as if it were whole", arguments: shortScripts)
  func steps(script: Script) {
    for step in stride(from: 1, through: script.bytes.count, by: 1) {
      let cuts = Array(stride(from: step, to: script.bytes.count, by: step))
      let outcome = Player.play(script, cuts: cuts)
      #expect(outcome == script.outcome, "in steps of \(step)")
    }
  }

  @Test(
    "a short stream cut twice is heard as if it were whole",
    arguments: shortScripts.filter { $0.bytes.count <= 32 })
  func twice(script: Script) {
    for first in 0...script.bytes.count {
      for second in first...script.bytes.count {
        let outcome = Player.play(script, cuts: [first, second])
        #expect(outcome == script.outcome, "cut at \(first) and \(second)")
      }
    }
  }

  @Test("a long stream cut near its ends is heard as if it were whole", arguments: longScripts)
  func long(script: Script) {
    let count = script.bytes.count
    for cut in Array(0...20) + [count / 2] + Array(count - 9...count) {
      let outcome = Player.play(script, cuts: [cut])
      #expect(outcome == script.outcome, "cut at \(cut)")
    }
    for step in [7, 509, 4096, 16_384] {
      let cuts = Array(stride(from: step, to: count, by: step))
      let outcome = Player.play(script, cuts: cuts)
      #expect(outcome == script.outcome, "in steps of \(step)")
    }
  }
}
