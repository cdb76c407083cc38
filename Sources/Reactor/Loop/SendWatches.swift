/// The watches of one reactor, by the indices of their connections.
///
/// Few connections are watched at a time, but all of them when all end at once. So the watches lie close
/// together, wherever their connections' records are, and the memory goes back to the kernel when
/// there are none.
@safe struct SendWatches: ~Copyable {
  /// By a connection's index: where its watch lies.
  private var places: [UInt32: Int] = [:]
  private var freePlaces: [Int] = []
  private var table = BlockTable<SendWatch>()

  /// Connections that are watched.
  var count: Int { places.count }
  var holdsMemory: Bool { table.holdsMemory }

  /// The watch of a connection. Nil: it is not watched.
  subscript(index: UInt32) -> SendWatch? {
    get { places[index].map { table[$0] } }
    set {
      let place = places[index]
      if let newValue {
        // Without a free one, those that are in use are the first ones.
        let place = place ?? freePlaces.popLast() ?? places.count
        places[index] = place
        table.set(place, newValue)
      } else if let place {
        places[index] = nil
        freePlaces.append(place)
      }
    }
  }

  /// Gives the memory back, if no connection is watched.
  mutating func trim() {
    if count == 0, holdsMemory { self = SendWatches() }
  }
}
