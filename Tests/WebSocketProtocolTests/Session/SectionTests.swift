import Testing
import WebSocketProtocol

/// Each script in one piece, by the sections of RFC 6455. `SessionCutTests` cuts the same scripts.
@Suite("RFC 6455")
struct SectionTests {
  @Test("§5.1, §5.3: masking", arguments: Script.masking)
  func masking(script: Script) { check(script) }

  @Test("§5.2: base framing", arguments: Script.baseFraming)
  func baseFraming(script: Script) { check(script) }

  @Test("§5.4: fragmentation", arguments: Script.fragmentation)
  func fragmentation(script: Script) { check(script) }

  @Test("§5.5: control frames", arguments: Script.controlFrames)
  func controlFrames(script: Script) { check(script) }

  @Test("§5.5.1, §7.1: close frames", arguments: Script.closing)
  func closing(script: Script) { check(script) }

  @Test("§7.4: close codes", arguments: Script.closeCodes)
  func closeCodes(script: Script) { check(script) }

  @Test("§5.6, §8.1: text is UTF-8", arguments: Script.text)
  func text(script: Script) { check(script) }

  @Test("§10.4: limits", arguments: Script.limits)
  func limits(script: Script) { check(script) }

  private func check(_ script: Script) {
    #expect(Player.play(script) == script.outcome)
  }
}
