import WebSocket

// What went wrong, for people.

extension ConnectFailure {
  var text: String {
    switch self {
    case .unresolved(let error), .system(let error): "\(error)"
    case .timeout: "the connection could not be made in time"
    case .refused(let refusal): refusal.text
    case .invalidResponse(let error): "this is no WebSocket server: \(error.reason)"
    case .closed: "the server has closed the connection without an answer"
    case .cancelled: "cancelled"
    case .stopped: "stopped"
    }
  }
}

extension Refusal {
  fileprivate var text: String {
    let refusal = "the server has refused: \(self)"
    if 300..<400 ~= status.code, let location = header(named: "Location") {
      return "\(refusal), elsewhere: \(location)"
    }
    if status == .unauthorized, let demand = header(named: "WWW-Authenticate") {
      return "\(refusal), it wants: \(demand)"
    }
    return refusal
  }
}

extension Closure {
  var text: String {
    if let error { return "\(error)" }
    return reason.isEmpty ? "\(code.rawValue)" : "\(code.rawValue) \(reason)"
  }
}
