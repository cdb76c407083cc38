/// Writes JSON objects without spaces.
struct JSONWriter {
  private(set) var text = ""

  mutating func write(_ members: [(name: String, value: JSONObject.Value)]) {
    text += "{"
    for (index, member) in members.enumerated() {
      if index > 0 { text += "," }
      write(member.name)
      text += ":"
      write(member.value)
    }
    text += "}"
  }

  private mutating func write(_ value: JSONObject.Value) {
    switch value {
    case .text(let value): write(value)
    case .number(let number): text += String(number)
    case .numbers(let numbers): text += "[" + numbers.map(String.init).joined(separator: ",") + "]"
    }
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20:
        // §7: control characters must be escaped.
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
