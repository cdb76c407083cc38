import Synchronization
import WebSocket

/// The open connections, for who sends to each by itself. Any thread.
final class Connections: Sendable {
  private let open = Mutex<Set<Connection>>([])

  var all: [Connection] { open.withLock { Array($0) } }

  func insert(_ connection: Connection) {
    open.withLock { _ = $0.insert(connection) }
  }

  func remove(_ connection: Connection) {
    open.withLock { _ = $0.remove(connection) }
  }
}
