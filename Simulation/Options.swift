import Glibc
import Reactor

/// What is to be simulated.
struct Options {
  private(set) var seeds: [UInt64] = []
  private(set) var minutes: Double?
  private(set) var shrinks = false
  private(set) var isTraced = false
  private(set) var printsDigest = false
  /// One of so many seeds is played several times, to look for leaks.
  private(set) var leakInterval: UInt64 = 50
  /// Of the plan's actions, those that are left. Nil: all.
  private var kept: Set<Int>?
  private var withoutFaults: [String] = []

  static let usage = """
    usage: simulate [--first SEED] [--seeds COUNT] [--minutes M] [--seed SEED]...
      [--keep ACTION,ACTION-ACTION] [--without FAULT,FAULT] [--leaks INTERVAL] [--shrink] [--trace] [--digest]
    """

  init(_ arguments: some Sequence<String>) {
    var first: UInt64 = 1
    var count: UInt64 = 1000
    var iterator = arguments.makeIterator()
    func number<Number: LosslessStringConvertible>() -> Number {
      guard let text = iterator.next(), let number = Number(text) else { Self.fail() }
      return number
    }
    while let name = iterator.next() {
      switch name {
      case "--first": first = number()
      case "--seeds": count = number()
      case "--seed": seeds.append(number())
      case "--minutes": minutes = number()
      case "--leaks": leakInterval = max(1, number())
      case "--keep": kept = Self.ranges(iterator.next() ?? "")
      case "--without":
        withoutFaults = (iterator.next() ?? "").split(separator: ",").map { String($0) }
      case "--shrink": shrinks = true
      case "--trace": isTraced = true
      case "--digest": printsDigest = true
      default: Self.fail()
      }
    }
    if seeds.isEmpty { seeds = Array(first..<first + count) }
  }

  /// What a seed's course is, less what has been left out.
  func plan(seed: UInt64) -> Plan {
    var plan = Plan(seed: seed)
    if let kept { plan.actions.removeAll { !kept.contains($0.number) } }
    for name in withoutFaults { plan.faults.remove(name) }
    return plan
  }

  /// `1,3-5` is 1, 3, 4, 5.
  private static func ranges(_ text: String) -> Set<Int> {
    var numbers: Set<Int> = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { fail() }
      numbers.formUnion(first...last)
    }
    return numbers
  }

  private static func fail() -> Never {
    print(usage)
    exit(64)
  }
}

extension SimulatedFaults {
  /// Each by its name, to be left out.
  static var all: [(name: String, path: WritableKeyPath<SimulatedFaults, Int>)] {
    [
      ("latency", \.latencyNanoseconds), ("shortRead", \.shortRead), ("shortWrite", \.shortWrite),
      ("lateSend", \.lateSend), ("lateCompletion", \.lateCompletion),
      ("lateness", \.latenessNanoseconds), ("partialDelivery", \.partialDelivery),
      ("reordering", \.reordering), ("starvedBuffer", \.starvedBuffer),
      ("failedAccept", \.failedAccept), ("failedAdoption", \.failedAdoption),
      ("lateWake", \.lateWake), ("spuriousWake", \.spuriousWake), ("interruption", \.interruption),
    ]
  }

  mutating func remove(_ name: String) {
    for fault in Self.all where fault.name == name { self[keyPath: fault.path] = 0 }
  }
}
