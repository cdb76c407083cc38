import Reactor
import ReactorSimulation
import WebSocket

/// A plan as text: a line for the seed, the settings, each topic, the faults and each action. It stays
/// the same plan when plans are made up in another way, which a seed does not.
///
/// Lines that begin with # are for people. What a line does not name is as it is without faults, or
/// as nobody has set it: so a file that is older than a setting can still be read.
extension Plan {
  var text: String {
    var lines = ["seed \(seed)"]
    lines.append("settings\(Self.words(of: settings, Settings.fields))")
    for topic in settings.topics {
      lines.append("topic\(Self.words(of: topic, TopicOptions.fields))")
    }
    lines.append("faults\(Self.words(of: faults, SimulatedFaults.fields))")
    lines += actions.map { "action\(Self.words(of: $0.draft, Action.Draft.fields))" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Throws which line means nothing.
  init(text: String) throws(PlanTextError) {
    var seed: UInt64?
    var settings = Settings()
    var faults = SimulatedFaults()
    var actions: [Action] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where !line.isEmpty && !line.hasPrefix("#") {
      let words = line.split(separator: " ").map { String($0) }
      let rest = Array(words.dropFirst())
      var isUnderstood = true
      switch words.first {
      case "seed":
        seed = rest.first.flatMap { UInt64($0) }
        isUnderstood = seed != nil
      case "settings": isUnderstood = Self.read(rest, into: &settings, Settings.fields)
      case "topic":
        var topic = TopicOptions()
        isUnderstood = Self.read(rest, into: &topic, TopicOptions.fields)
        settings.topics.append(topic)
      case "faults": isUnderstood = Self.read(rest, into: &faults, SimulatedFaults.fields)
      case "action":
        var draft = Action.Draft()
        isUnderstood = Self.read(rest, into: &draft, Action.Draft.fields)
        if let action = Action(draft) { actions.append(action) } else { isUnderstood = false }
      default: isUnderstood = false
      }
      guard isUnderstood else { throw PlanTextError(line: index + 1, text: String(line)) }
    }
    guard let seed else { throw PlanTextError(line: 1, text: "there is no seed") }
    self.init(seed: seed, settings: settings, faults: faults, actions: actions)
  }

  private static func words<Root>(of root: Root, _ fields: [Field<Root>]) -> String {
    fields.map { " \($0.name)=\($0.write(root))" }.joined()
  }

  private static func read<Root>(
    _ words: [String], into root: inout Root, _ fields: [Field<Root>]
  ) -> Bool {
    words.allSatisfy { word in
      let parts = word.split(separator: "=", maxSplits: 1).map { String($0) }
      guard parts.count == 2, let field = fields.first(where: { $0.name == parts[0] }) else {
        return false
      }
      return field.read(&root, parts[1])
    }
  }

  private init(seed: UInt64, settings: Settings, faults: SimulatedFaults, actions: [Action]) {
    self.seed = seed
    self.settings = settings
    self.faults = faults
    self.actions = actions
  }

  /// Whether the text says all there is: something new in a plan may have been forgotten here.
  var isWhatItsTextSays: Bool {
    guard let read = try? Plan(text: text) else { return false }
    return "\(read)" == "\(self)"
  }
}

struct PlanTextError: Error {
  let line: Int
  let text: String
}

extension Plan.Settings {
  static var fields: [Field<Self>] {
    [
      Field("serverReactorCount", \.serverReactorCount),
      Field("clientReactorCount", \.clientReactorCount),
      Field("byteCountMax", \.queue.byteCountMax),
      Field("backpressureByteCount", \.queue.backpressureByteCount),
      Field(case: "overflow", \.queue.overflow),
      Field("pingIntervalMilliseconds", \.pingIntervalMilliseconds),
      Field("idleTimeoutMilliseconds", \.idleTimeoutMilliseconds),
      Field("closeTimeoutMilliseconds", \.closeTimeoutMilliseconds),
      Field("lingerMilliseconds", \.lingerMilliseconds),
      Field("stopMilliseconds", \.stopMilliseconds),
      Field("connectTimeoutMilliseconds", \.connectTimeoutMilliseconds),
      Field("connectionCountMax", \.connectionCountMax),
      Field("descriptorCountMax", \.descriptorCountMax),
      Field("isHandedOver", \.isHandedOver),
    ]
  }
}

extension TopicOptions {
  fileprivate static var fields: [Field<Self>] {
    [
      Field("historyByteCount", \.limits.historyByteCount),
      Field("historyMilliseconds", \.limits.historyMilliseconds) {
        $0 == "any" ? .some(nil) : Int($0)
      } _: {
        $0.map { "\($0)" } ?? "any"
      },
      Field("lag", \.limits.lag, LagPolicy.init(text:), \.text),
      Field("isKept", \.isKept),
    ]
  }
}

extension LagPolicy {
  fileprivate init?(text: String) {
    let parts = text.split(separator: ":")
    switch (parts.first, parts.dropFirst().first.flatMap { Int($0) }) {
    case ("close", let count?): self = .close(beyondByteCount: count)
    case ("skipOldest", let count?): self = .skipOldest(beyondByteCount: count)
    case ("newestPerKey", let count?): self = .newestPerKey(beyondByteCount: count)
    case ("newestOnly", nil): self = .newestOnly
    default: return nil
    }
  }

  fileprivate var text: String {
    switch self {
    case .close(let count): "close:\(count)"
    case .skipOldest(let count): "skipOldest:\(count)"
    case .newestPerKey(let count): "newestPerKey:\(count)"
    case .newestOnly: "newestOnly"
    }
  }
}

extension SimulatedFaults {
  /// Each by its name, to be written, and to be left out.
  static var fields: [Field<Self>] {
    [
      Field("latency", \.latencyNanoseconds),
      Field("window", \.windowByteCounts) { word in
        let ends = word.split(separator: "-").compactMap { Int($0) }
        return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil
      } _: {
        "\($0.lowerBound)-\($0.upperBound)"
      },
      Field("shortRead", \.shortRead), Field("shortWrite", \.shortWrite),
      Field("lateSend", \.lateSend), Field("lateCompletion", \.lateCompletion),
      Field("lateness", \.latenessNanoseconds), Field("partialDelivery", \.partialDelivery),
      Field("reordering", \.reordering), Field("starvedBuffer", \.starvedBuffer),
      Field("failedAccept", \.failedAccept), Field("failedAdoption", \.failedAdoption),
      Field("failedSocket", \.failedSocket), Field("failedConnect", \.failedConnect),
      Field("vanishing", \.vanishing),
      Field("preemption", \.preemption), Field("spentBudget", \.spentBudget),
      Field("lateWake", \.lateWake), Field("spuriousWake", \.spuriousWake),
      Field("interruption", \.interruption),
    ]
  }

  /// Has a fault not occur. False: it does not anyway, or nothing has that name.
  mutating func remove(_ name: String) -> Bool {
    guard let field = Self.fields.first(where: { $0.name == name }) else { return false }
    let usual = field.write(SimulatedFaults())
    return field.write(self) != usual && field.read(&self, usual)
  }
}

extension Action {
  /// An action whose parts can still be changed.
  struct Draft {
    var number = 0
    var time: Int64 = 0
    var kind = Kind.dial
    var target = 0
    var topic = 0
    var size = 0
    var argument = 0
    var isText = false
    var hasCompletion = false
    var key: UInt64 = 0
    /// By its name: which targets stand for it depends on how many there are.
    var command: Command?

    static var fields: [Field<Self>] {
      [
        Field("number", \.number), Field("time", \.time), Field(case: "kind", \.kind),
        Field("target", \.target), Field("topic", \.topic), Field("size", \.size),
        Field("argument", \.argument), Field("isText", \.isText),
        Field("hasCompletion", \.hasCompletion), Field("key", \.key),
        Field("command", \.command) { word in
          word == "none" ? .some(nil) : Command.allCases.first { "\($0)" == word }
        } _: {
          $0.map { "\($0)" } ?? "none"
        },
      ]
    }
  }

  /// Nil: there are more commands than a target can tell apart.
  fileprivate init?(_ draft: Draft) {
    guard let target = draft.targetOfCommand else { return nil }
    self.target = target
    number = draft.number
    time = draft.time
    kind = draft.kind
    topic = draft.topic
    size = draft.size
    argument = draft.argument
    isText = draft.isText
    hasCompletion = draft.hasCompletion
    key = draft.key
  }

  fileprivate var draft: Draft {
    Draft(
      number: number, time: time, kind: kind, target: target, topic: topic, size: size,
      argument: argument, isText: isText, hasCompletion: hasCompletion, key: key,
      command: kind == .command ? Command.allCases[target % Command.allCases.count] : nil)
  }
}

extension Action.Draft {
  /// `World` takes the command from the remainder, and the connection from all but four bits.
  fileprivate var targetOfCommand: Int? {
    let all = Action.Command.allCases
    guard let position = command.flatMap({ all.firstIndex(of: $0) }) else { return target }
    if target % all.count == position { return target }
    return (target & ~15...target | 15).first { $0 % all.count == position }
  }
}
