import WebSocket

// What went wrong, for people.

extension ConnectFailure {
  var text: String {
    switch self {
    case .unresolved(let error), .system(let error): "\(error)"
    case .timeout: "the connection could not be made in time"
    case .refused(let refusal): "the server has refused: \(refusal)"
    case .invalidResponse(let error): "this is no WebSocket server: \(error.reason)"
    case .closed: "the server has closed the connection without a whole answer"
    case .cancelled: "cancelled"
    case .stopped: "stopped"
    }
  }
}

extension Closure {
  var text: String {
    if let error { return "\(error)" }
    return reason.isEmpty ? "\(code.rawValue)" : "\(code.rawValue) \(reason.escaped)"
  }
}

extension String {
  /// With all that could end the line or steer a terminal written out: it is a stranger's text.
  fileprivate var escaped: String {
    unicodeScalars.map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
      default: String(scalar)
      }
    }.joined()
  }
}
