import Testing
import WebSocketProtocol

/// What a peer sends, and what a session must make of it, however the bytes are cut on the way.
struct Script: Sendable, CustomTestStringConvertible {
  /// What is promised.
  let testDescription: String
  /// The end that receives.
  let role: Role
  let limits: Session.Limits
  let bytes: [UInt8]
  let outcome: Outcome

  /// A script for each of the two roles, or for the one role that it is about.
  static func scripts(
    _ promise: String, to role: Role? = nil,
    limits: Session.Limits = Session.Limits(messageByteCountMax: 1 << 20),
    _ frames: [WireFrame], hear events: [Heard] = [], error: ProtocolError? = nil
  ) -> [Script] {
    let roles = role.map { [$0] } ?? [.server, .client]
    return roles.map { role in
      Script(
        testDescription: "\(role): \(promise)", role: role, limits: limits,
        bytes: frames.flatMap { $0.bytes(to: role) },
        outcome: Outcome(events: events, error: error))
    }
  }

  /// All scripts, by the section of RFC 6455 that they are about.
  static let all: [Script] =
    masking + baseFraming + fragmentation + controlFrames + closing + closeCodes + text + limits
}

/// What an application hears: messages put together, payloads copied.
enum Heard: Equatable, Sendable {
  case text(String)
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?, reason: String)

  static func ping(_ text: String) -> Heard { .ping(Array(text.utf8)) }
  static func pong(_ text: String) -> Heard { .pong(Array(text.utf8)) }
}

struct Outcome: Equatable, Sendable {
  var events: [Heard] = []
  var error: ProtocolError?
}
