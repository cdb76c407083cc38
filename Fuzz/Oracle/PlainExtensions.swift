import WebSocketProtocol

/// `Sec-WebSocket-Extensions` by the grammar of RFC 6455 §9.1, and with empty elements and empty
/// parameters, which mean nothing (RFC 9110 §5.6.1, §5.6.6).
enum PlainExtensions {
  /// What the list names, as text that is the same for every way of writing the same: name, and
  /// parameters with their values. `nil` if the list breaks the grammar.
  ///
  /// Quotation marks and backslashes go first, commas and semicolons second: a value in quotes must
  /// be a token (§9.1), which holds neither.
  static func parse(_ values: [[UInt8]]) -> [[String]]? {
    var extensions: [[String]] = []
    for element in values.flatMap({ $0.split(separator: UInt8(ascii: ",")) })
    where !PlainHead.trimmed(element).isEmpty {
      let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
      let name = PlainHead.trimmed(parts[0])
      guard PlainHead.isToken(name) else { return nil }
      var texts = [PlainHead.text(name)]
      for part in parts.dropFirst() where !PlainHead.trimmed(part).isEmpty {
        guard let parameter = parameter(part) else { return nil }
        texts.append(parameter)
      }
      extensions.append(texts)
    }
    return extensions
  }

  /// The same of what a view of a head gives out.
  static func texts(of extensions: [WebSocketExtension]) -> [[String]] {
    extensions.map { each in
      [each.name] + each.parameters.map { $0.name + ($0.value.map { "=" + $0 } ?? "") }
    }
  }

  private static func parameter(_ part: ArraySlice<UInt8>) -> String? {
    let sides = part.split(
      separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    let name = PlainHead.trimmed(sides[0])
    guard PlainHead.isToken(name) else { return nil }
    guard sides.count == 2 else { return PlainHead.text(name) }
    guard let value = value(PlainHead.trimmed(sides[1])) else { return nil }
    return PlainHead.text(name + [UInt8(ascii: "=")] + value)
  }

  private static func value(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.first == UInt8(ascii: "\"") else { return PlainHead.isToken(bytes) ? bytes : nil }
    guard bytes.count >= 3, bytes.last == UInt8(ascii: "\"") else { return nil }
    var value: [UInt8] = []
    var isEscaped = false
    for byte in bytes.dropFirst().dropLast() {
      if byte == UInt8(ascii: "\\"), !isEscaped {
        isEscaped = true
      } else {
        value.append(byte)
        isEscaped = false
      }
    }
    return !isEscaped && PlainHead.isToken(value) ? value : nil
  }
}
