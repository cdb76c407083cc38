/// An extension as `Sec-WebSocket-Extensions` names it: an offer of a client or the choice of a
/// server (RFC 6455 §9.1).
public struct WebSocketExtension: Sendable, Equatable {
  /// One of the things that an offer or a choice says about the extension.
  public struct Parameter: Sendable, Equatable {
    /// A token.
    public var name: String
    /// Nil for a parameter that is only a name.
    public var value: String?

    /// Neither name nor value is checked: that is done where they are written.
    public init(_ name: String, _ value: String? = nil) {
      self.name = name
      self.value = value
    }
  }

  /// A token, registered with IANA (RFC 6455 §11.4).
  public var name: String
  /// In their order. One may come more than once.
  public var parameters: [Parameter]

  /// Neither name nor parameters are checked: that is done where they are written.
  public init(_ name: String, parameters: [Parameter] = []) {
    self.name = name
    self.parameters = parameters
  }

  /// Whether names and values are tokens, so that they can be written.
  var isValid: Bool {
    name.isToken && parameters.allSatisfy { $0.name.isToken && $0.value?.isToken ?? true }
  }

  /// Appends the whole field, or nothing for an empty list.
  static func append(_ extensions: [Self], to bytes: inout [UInt8]) {
    if extensions.isEmpty { return }
    let text = extensions.map(\.text).joined(separator: ", ")
    bytes.append(contentsOf: "Sec-WebSocket-Extensions: \(text)\r\n".utf8)
  }

  private var text: String {
    parameters.reduce(name) { text, parameter in
      text + "; " + parameter.name + (parameter.value.map { "=" + $0 } ?? "")
    }
  }
}

extension WebSocketExtension {
  /// Whether every `Sec-WebSocket-Extensions` field follows the grammar. Allocates nothing.
  static func areValid(in fields: borrowing FieldTable) -> Bool {
    var cursor = ExtensionCursor()
    do {
      while try cursor.next(in: fields) != nil {}
      return true
    } catch {
      return false
    }
  }

  /// What the fields name, in their order; nil if they do not follow the grammar.
  static func all(in fields: borrowing FieldTable) -> [WebSocketExtension]? {
    var found: [WebSocketExtension] = []
    var cursor = ExtensionCursor()
    do {
      while let item = try cursor.next(in: fields) {
        switch item {
        case .name(let name):
          found.append(WebSocketExtension(fields.bytes.text(in: name)))
        case .parameter(let name, let value):
          // A token has no backslash, so each one in a quoted value is an escape.
          let text = value.map { fields.bytes.text(in: $0).filter { $0 != "\\" } }
          found[found.count - 1].parameters.append(
            Parameter(fields.bytes.text(in: name), text))
        }
      }
      return found
    } catch {
      return nil
    }
  }
}

extension HTTPRequest {
  /// The extensions that the client offers, most wanted first.
  public var extensionOffers: [WebSocketExtension] { WebSocketExtension.all(in: fields) ?? [] }
}
