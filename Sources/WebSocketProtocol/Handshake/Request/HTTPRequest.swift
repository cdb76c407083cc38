/// A request that a server has received: an opening handshake or a plain HTTP request.
///
/// It is a view of the receive buffer, valid only during the call it is given to; the compiler
/// refuses to let it escape. Keep what is to be kept as `String` or `[UInt8]`.
public struct HTTPRequest: ~Escapable {
  let line: RequestLine
  let fields: FieldTable

  @_lifetime(copy bytes, copy lines)
  init(line: RequestLine, bytes: RawSpan, lines: Span<FieldLine>) {
    self.line = line
    self.fields = FieldTable(bytes: bytes, lines: lines)
  }

  /// `GET` and so on, with its case.
  public var method: String { fields.bytes.text(in: line.method) }

  /// The request target as sent: path and query, or a whole URI if a proxy was meant.
  public var target: String { fields.bytes.text(in: line.target) }

  /// The path of the target, still percent-encoded, without its query. Never empty.
  public var path: String { fields.bytes.text(in: line.path) }

  /// What follows the question mark, still percent-encoded; nil if there is none.
  public var query: String? { line.query.map { fields.bytes.text(in: $0) } }

  /// The digit after `HTTP/1.`.
  public var minorVersion: Int { line.minorVersion }

  /// Whether the method is GET.
  public var isGET: Bool { fields.bytes.equals("GET", in: line.method) }

  /// Whether the method is HEAD.
  public var isHEAD: Bool { fields.bytes.equals("HEAD", in: line.method) }

  /// Host and port that the client wants to reach: of a target in absolute form, else of `Host`.
  /// Empty if `Host` is. Nil only for HTTP/1.0 without it.
  public var host: String? {
    (line.authority ?? fields.value(of: "host")).map { fields.bytes.text(in: $0) }
  }

  /// Whether a body follows the head. Nothing here reads one.
  public var declaresBody: Bool {
    if fields.index(of: "transfer-encoding") != nil { return true }
    guard let length = fields.value(of: "content-length") else { return false }
    return length.contains { fields.bytes[octet: $0] != UInt8(ascii: "0") }
  }

  /// The value of the first header field called `name`, the case of letters aside.
  public func header(named name: String) -> String? {
    fields.value(of: name).map { fields.bytes.text(in: $0) }
  }

  /// The values of all header fields called `name`, in their order.
  public func headers(named name: String) -> [String] {
    var values: [String] = []
    var next = 0
    while let index = fields.index(of: name, from: next) {
      values.append(fields.bytes.text(in: fields.lines[index].value))
      next = index + 1
    }
    return values
  }

  /// The elements of the comma-separated list that the fields called `name` make up together
  /// (RFC 9110 §5.6.1), without white space and empty elements.
  public func listElements(named name: String) -> [String] {
    var values: [String] = []
    var elements = fields.elements(of: name)
    while let element = elements.next(in: fields) {
      values.append(fields.bytes.text(in: element))
    }
    return values
  }

  /// A copy of every header field, in their order, duplicates included.
  public var headers: [HTTPHeader] { fields.copied() }
}

/// The same without making a `String`.
extension HTTPRequest {
  /// The method: see `method`.
  public var methodBytes: RawSpan {
    @_lifetime(copy self) get { fields.bytes.extracting(line.method) }
  }

  /// The request target: see `target`.
  public var targetBytes: RawSpan {
    @_lifetime(copy self) get { fields.bytes.extracting(line.target) }
  }

  /// The path: see `path`.
  public var pathBytes: RawSpan {
    @_lifetime(copy self) get { fields.bytes.extracting(line.path) }
  }

  /// The query: see `query`.
  public var queryBytes: RawSpan? {
    @_lifetime(copy self) get {
      guard let query = line.query else { return nil }
      return fields.bytes.extracting(query)
    }
  }

  /// Whether the path is exactly `path`.
  public func hasPath(_ path: String) -> Bool { fields.bytes.equals(path, in: line.path) }

  /// How many header fields there are, duplicates included.
  public var headerCount: Int { fields.lines.count }

  /// `index` from 0 up to `headerCount`.
  @_lifetime(copy self)
  public func headerNameBytes(at index: Int) -> RawSpan {
    fields.bytes.extracting(fields.lines[index].name)
  }

  /// `index` from 0 up to `headerCount`.
  @_lifetime(copy self)
  public func headerValueBytes(at index: Int) -> RawSpan {
    fields.bytes.extracting(fields.lines[index].value)
  }

  /// The value of the first header field called `name`, the case of letters aside.
  @_lifetime(copy self)
  public func headerBytes(named name: String) -> RawSpan? {
    guard let value = fields.value(of: name) else { return nil }
    return fields.bytes.extracting(value)
  }
}
