/// The value of a `Date` field: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7). It is made from a
/// number, since nothing here reads a clock.
public struct HTTPDate: Sendable, Equatable {
  /// Characters of a value.
  public static let byteCount = 29

  /// The 29 characters as they appear on the wire.
  public let characters: InlineArray<29, UInt8>

  /// - Parameter seconds: since 1970-01-01 00:00 UTC, without leap seconds. What is before the year
  ///   0001 or behind 9999 becomes the first or the last second of these years.
  public init(secondsSince1970 seconds: Int64) {
    let seconds = min(max(seconds, Self.firstSecond), Self.lastSecond)
    // From here on all numbers are positive: days since 0000-03-01, which is a Wednesday.
    let day = Int((seconds - Self.origin) / 86_400)
    let second = Int((seconds - Self.origin) % 86_400)
    let (year, month, dayOfMonth) = Self.date(ofDay: day)
    var text = Text()
    text.append(Self.name((day + 2) % 7, of: "MonTueWedThuFriSatSun"))
    text.append(", ")
    text.append(dayOfMonth, digitCount: 2)
    text.append(" ")
    text.append(Self.name(month - 1, of: "JanFebMarAprMayJunJulAugSepOctNovDec"))
    text.append(" ")
    text.append(year, digitCount: 4)
    text.append(" ")
    text.append(second / 3600, digitCount: 2)
    text.append(":")
    text.append(second / 60 % 60, digitCount: 2)
    text.append(":")
    text.append(second % 60, digitCount: 2)
    text.append(" GMT")
    characters = text.characters
  }

  /// Appends the whole field.
  func append(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "Date: ".utf8)
    for index in characters.indices { bytes.append(characters[index]) }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// 0000-03-01, 0001-01-01 and the last second of 9999.
  private static let origin: Int64 = -62_162_035_200
  private static let firstSecond: Int64 = -62_135_596_800
  private static let lastSecond: Int64 = 253_402_300_799

  /// The Gregorian calendar, counted from a first of March, so that a leap day is the last one of
  /// its year: 146,097 days in 400 years, 36,524 in a century, 1,461 in four years, and 153 in five
  /// months from March or August on.
  private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = day.quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfMonth)
  }

  private static func name(_ index: Int, of names: StaticString) -> InlineArray<3, UInt8> {
    InlineArray { unsafe names.utf8Start[index * 3 + $0] }
  }

  /// Whether all characters are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.characters.indices.allSatisfy { left.characters[$0] == right.characters[$0] }
  }

  private struct Text {
    var characters = InlineArray<29, UInt8>(repeating: 0)
    private var count = 0

    mutating func append(_ character: UInt8) {
      characters[count] = character
      count += 1
    }

    mutating func append(_ name: InlineArray<3, UInt8>) {
      for index in name.indices { append(name[index]) }
    }

    mutating func append(_ text: StaticString) {
      for index in 0..<text.utf8CodeUnitCount { unsafe append(text.utf8Start[index]) }
    }

    mutating func append(_ number: Int, digitCount: Int) {
      var divisor = digitCount == 4 ? 1000 : 10
      while divisor > 0 {
        append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
        divisor /= 10
      }
    }
  }
}
