import Testing
import WebSocketProtocol

@Suite("RFC 9110 §5.6.7, §6.6.1: the date of a response")
struct HTTPDateTests {
  @Test(
    "is written as an IMF-fixdate",
    arguments: [
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
      (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
      (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
      (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
      (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
      (1_795_858_200, "Sat, 28 Nov 2026 09:30:00 GMT"),
      (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
      (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
      (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
      (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"),
      (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (-62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
      (-62_135_596_801, "Mon, 01 Jan 0001 00:00:00 GMT"), (.min, "Mon, 01 Jan 0001 00:00:00 GMT"),
    ] as [(Int64, String)])
  func text(seconds: Int64, expected: String) {
    #expect(characters(HTTPDate(secondsSince1970: seconds)) == expected)
  }

  @Test("each day from 1600 to 2400 follows the one before")
  func days() {
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    // 1600-01-01, a Saturday, by day number.
    var second: Int64 = -11_676_096_000
    var weekday = 5
    for year in 1600..<2400 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      for (month, name) in months.enumerated() {
        let isShort = [3, 5, 8, 10].contains(month)
        for day in 1...(month == 1 ? (isLeap ? 29 : 28) : isShort ? 30 : 31) {
          let expected =
            "\(names[weekday]), \(day < 10 ? "0" : "")\(day) \(name) \(year) 00:00:00 GMT"
          let written = characters(HTTPDate(secondsSince1970: second))
          if written != expected {
            Issue.record("\(written) is not \(expected)")
            return
          }
          second += 86_400
          weekday = (weekday + 1) % 7
        }
      }
    }
  }

  @Test("stands in a refusal and in an upgrade, unless the program has set one")
  func field() throws {
    let date = HTTPDate(secondsSince1970: 784_111_777)
    let key = try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
    var headers = HTTPHeaders()
    try headers.add("date", "today")
    var written: [[UInt8]] = [[], [], [], []]
    HTTPResponse(status: .notFound, text: "no").append(to: &written[0], date: date)
    try UpgradeResponse(for: key).append(to: &written[1], date: date)
    HTTPResponse(status: .notFound, headers: headers, text: "no").append(
      to: &written[2], date: date)
    try UpgradeResponse(for: key, headers: headers).append(to: &written[3], date: date)
    let texts = written.map { String(decoding: $0, as: UTF8.self) }
    for text in texts[..<2] {
      #expect(text.contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
    }
    for text in texts[2...] {
      #expect(text.contains("\r\ndate: today\r\n") && !text.contains("1994"))
    }
  }

  private func characters(_ date: HTTPDate) -> String {
    String(decoding: date.characters.indices.map { date.characters[$0] }, as: UTF8.self)
  }
}
