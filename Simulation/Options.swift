import Glibc
import Reactor
import ReactorSimulation

/// What is to be simulated.
struct Options {
  private var files: [Course] = []
  private var seeds: [UInt64] = []
  private var first: UInt64 = 1
  /// How many from the first one on. Nil: until the time is over.
  private var count: UInt64?
  private(set) var minutes: Double?
  private(set) var shrinks = false
  /// Where a plan is written to.
  private(set) var savePath: String?
  private(set) var isTraced = false
  private(set) var printsDigest = false
  /// One of so many courses is played several times: see `Repetition`.
  private(set) var repeatInterval = 50
  /// How many courses are played at the same time, each by a process of its own.
  private(set) var jobCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  /// Of the plan's actions, those that are left. Nil: all.
  private var kept: Set<Int>?
  private var withoutFaults: [String] = []

  static let usage = """
    usage: simulate [--play FILE]... [--first SEED] [--seeds COUNT] [--minutes M] [--seed SEED]...
      [--keep ACTION,ACTION-ACTION] [--without FAULT,FAULT] [--repeat INTERVAL] [--jobs COUNT]
      [--shrink] [--save FILE] [--trace] [--digest]
    --play: plans that were saved, and no seeds unless they are asked for.
    --seeds: so many from the first one; 1000, or as many as there is time for with --minutes.
    --jobs: so many at once; one for each CPU.
    --save: what is left of a failing plan; of one that does not fail, all of it.
    Exits with 1 if a promise was broken, 2 if the process trapped, 3 if a course came to no end.
    """

  init(_ arguments: some Sequence<String>) {
    var iterator = arguments.makeIterator()
    func word() -> String {
      guard let text = iterator.next() else { Self.fail("something is missing at the end") }
      return text
    }
    func number<Number: LosslessStringConvertible>() -> Number {
      let text = word()
      guard let number = Number(text) else { Self.fail("\(text) is no number") }
      return number
    }
    var paths: [String] = []
    var asksForSeeds = false
    while let name = iterator.next() {
      switch name {
      case "--play": paths.append(word())
      case "--first": (first, asksForSeeds) = (number(), true)
      case "--seeds": (count, asksForSeeds) = (number(), true)
      case "--seed": seeds.append(number())
      case "--minutes": (minutes, asksForSeeds) = (number(), true)
      case "--repeat": repeatInterval = max(1, number())
      case "--jobs": jobCount = min(256, max(1, number()))
      case "--keep": kept = Self.ranges(word())
      case "--without": withoutFaults = word().split(separator: ",").map { String($0) }
      case "--shrink": shrinks = true
      case "--save": savePath = word()
      case "--trace": isTraced = true
      case "--digest": printsDigest = true
      default: Self.fail("what is \(name)?")
      }
    }
    for name in withoutFaults where !SimulatedFaults.fields.contains(where: { $0.name == name }) {
      Self.fail("no fault is called \(name)")
    }
    files = paths.map { reduced(Self.read($0)) }
    // What they print is to be read.
    if isTraced || printsDigest { jobCount = 1 }
    let hasOthers = !seeds.isEmpty || (!files.isEmpty && !asksForSeeds)
    if hasOthers { count = 0 } else if minutes == nil, count == nil { count = 1000 }
  }

  /// What is played as the so manieth, from 0. Nil: there is no more.
  func course(at index: Int) -> Course? {
    if index < files.count { return files[index] }
    let number = index - files.count
    let seed: UInt64
    if number < seeds.count {
      seed = seeds[number]
    } else if count.map({ number - seeds.count < $0 }) ?? true {
      seed = first &+ UInt64(number - seeds.count)
    } else {
      return nil
    }
    return reduced(Course(name: "seed \(seed)", plan: Plan(seed: seed)))
  }

  private static func read(_ path: String) -> Course {
    guard let text = TextFile.read(path) else { fail("\(path) cannot be read") }
    do {
      return Course(name: path, plan: try Plan(text: text))
    } catch {
      fail("\(path): line \(error.line) means nothing: \(error.text)")
    }
  }

  /// Without what is to be left out.
  private func reduced(_ course: Course) -> Course {
    var course = course
    if let kept { course.plan.actions.removeAll { !kept.contains($0.number) } }
    for name in withoutFaults { _ = course.plan.faults.remove(name) }
    return course
  }

  /// `1,3-5` is 1, 3, 4, 5.
  private static func ranges(_ text: String) -> Set<Int> {
    var numbers: Set<Int> = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else {
        fail("\(text) names no actions")
      }
      numbers.formUnion(first...last)
    }
    return numbers
  }

  private static func fail(_ reason: String) -> Never {
    print("simulate: \(reason)\n\(usage)")
    exit(64)
  }
}

/// What is played, and how it is called.
struct Course {
  let name: String
  var plan: Plan
}
