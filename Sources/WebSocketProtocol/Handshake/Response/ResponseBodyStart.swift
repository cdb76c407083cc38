/// The first bytes of the body of a response that is no upgrade, such as what a server says of its
/// reasons. Chunks are put together; what the server has compressed stays so.
public struct ResponseBodyStart: Sendable, Equatable {
  /// The most bytes that are kept.
  public let byteCountMax: Int
  /// What has come so far.
  public private(set) var bytes: [UInt8] = []
  private var framing: Framing
  /// Bytes that only say how long chunks are.
  private var framingByteCount = 0

  private enum Framing: Equatable {
    case untilEnd
    case counted(rest: Int)
    case chunked(ChunkPart)
    case complete
  }

  /// Where in a chunk the next byte is (RFC 9112 §7.1).
  private enum ChunkPart: Equatable {
    case size(Int, hasDigits: Bool)
    case sizeExtension(Int)
    case sizeLineFeed(Int)
    case data(rest: Int)
    case dataReturn
    case dataLineFeed
  }

  private static let framingByteCountMax = 16_384
  /// More than is ever kept: larger chunks are as good as this one.
  private static let chunkByteCountMax = 1 << 40

  /// - Parameters:
  ///   - head: of the response, which says how long its body is (RFC 9112 §6.3).
  ///   - byteCountMax: the most bytes to keep.
  public init(of head: ResponseHead, byteCountMax: Int) {
    self.byteCountMax = byteCountMax
    framing = Self.framing(of: head)
    if byteCountMax <= 0 { framing = .complete }
  }

  /// Whether nothing more is taken: the body has ended, as many bytes as may be are there, or what
  /// has come is no chunk. A body of no declared length ends with the connection only.
  public var isComplete: Bool { framing == .complete }

  /// Takes the next bytes behind the head.
  public mutating func append(_ more: RawSpan) {
    var index = 0
    while index < more.byteCount, framing != .complete {
      switch framing {
      case .untilEnd:
        index += keep(more, from: index, atMost: .max)
      case .counted(let rest):
        let count = keep(more, from: index, atMost: rest)
        index += count
        if framing != .complete {
          framing = count == rest ? .complete : .counted(rest: rest - count)
        }
      case .chunked(.data(let rest)):
        let count = keep(more, from: index, atMost: rest)
        index += count
        guard framing != .complete else { return }
        framing = .chunked(count == rest ? .dataReturn : .data(rest: rest - count))
      case .chunked(let part):
        framing = Self.next(part, more[octet: index]).map { .chunked($0) } ?? .complete
        index += 1
        framingByteCount += 1
        if framingByteCount > Self.framingByteCountMax { framing = .complete }
      case .complete: return
      }
    }
  }

  /// Keeps as many bytes as there is room for. Returns how many; complete if no more will be.
  private mutating func keep(_ more: RawSpan, from start: Int, atMost count: Int) -> Int {
    let count = min(count, more.byteCount - start, byteCountMax - bytes.count)
    for index in start..<start + count { bytes.append(more[octet: index]) }
    if bytes.count == byteCountMax { framing = .complete }
    return count
  }

  /// What follows this octet of a chunk's framing; nil behind the last chunk, or if it is malformed.
  private static func next(_ part: ChunkPart, _ octet: UInt8) -> ChunkPart? {
    switch part {
    case .size(let size, let hasDigits):
      if let digit = octet.hexadecimalValue {
        return .size(min(size * 16 + Int(digit), chunkByteCountMax), hasDigits: true)
      }
      guard hasDigits else { return nil }
      if octet == .carriageReturn { return .sizeLineFeed(size) }
      return octet == UInt8(ascii: ";") || octet.isBlank ? .sizeExtension(size) : nil
    case .sizeExtension(let size):
      if octet == .carriageReturn { return .sizeLineFeed(size) }
      return octet == .lineFeed ? nil : part
    case .sizeLineFeed(let size):
      return octet == .lineFeed && size > 0 ? .data(rest: size) : nil
    case .data: return part
    case .dataReturn: return octet == .carriageReturn ? .dataLineFeed : nil
    case .dataLineFeed: return octet == .lineFeed ? .size(0, hasDigits: false) : nil
    }
  }

  private static func framing(of head: ResponseHead) -> Framing {
    if head.status.code < 200 || head.status.excludesBody { return .complete }
    let codings = head.listElements(named: "transfer-encoding")
    if let last = codings.last {
      let isChunked = last.equalsIgnoringCase("chunked")
      return isChunked ? .chunked(.size(0, hasDigits: false)) : .untilEnd
    }
    let lengths = head.listElements(named: "content-length")
    guard let length = lengths.first else { return .untilEnd }
    // Two lengths, or none that is a number: where the body ends nobody knows.
    guard lengths.allSatisfy({ $0 == length }), length.utf8.allSatisfy(\.isDigit) else {
      return .complete
    }
    let count = Int(length) ?? .max
    return count == 0 ? .complete : .counted(rest: count)
  }
}

extension ResponseHead {
  /// The elements of the comma-separated list that the fields called `name` make up together.
  fileprivate func listElements(named name: String) -> [String] {
    headers.filter { $0.name.equalsIgnoringCase(name) }
      .flatMap { $0.value.split(separator: ",") }
      .map { String($0.drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed()) }
      .filter { !$0.isEmpty }
  }

  private static func isBlank(_ character: Character) -> Bool {
    character == " " || character == "\t"
  }
}
