/// The end of the connection that a session speaks for.
///
/// The two ends differ in who masks (§5.3) and in who ends the TCP connection first (§7.1.1).
public enum Role: Equatable, Sendable {
  /// Expects masked frames, sends unmasked ones, ends the TCP connection first.
  case server
  /// Expects unmasked frames, sends masked ones, lets the server end the TCP connection.
  case client
}
