/// The subscriptions of a connection that has many, so that what it is sent and what it subscribes to
/// costs no walk over all of them. Of the connection's reactor only.
@safe final class ManySubscriptions {
  /// From so many on.
  static let countMin = 8

  private let state: ThreadConfined<State>

  private struct State: ~Copyable {
    var indexByShard: [UInt32: UInt32] = [:]
    var pending: [UInt32] = []
    var gatheredPosition: UInt64 = 0
  }

  init() {
    state = ThreadConfined(State())
  }

  deinit {
    state.deallocate()
  }

  /// All of them, by their topics' shards.
  var indexByShard: [UInt32: UInt32] {
    get { state.value.indexByShard }
    _modify { yield &state.value.indexByShard }
  }

  /// Those that may have something to be sent, besides those whose shards are dirty and have not been
  /// looked at; in no order.
  var pending: [UInt32] {
    get { state.value.pending }
    _modify { yield &state.value.pending }
  }

  /// Up to where `ReactorTopics.dirty` has been looked at.
  var gatheredPosition: UInt64 {
    get { state.value.gatheredPosition }
    set { state.value.gatheredPosition = newValue }
  }
}
