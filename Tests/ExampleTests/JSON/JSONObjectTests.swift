import Testing

@testable import ExampleSupport

@Suite("A JSON object of the examples")
struct JSONObjectTests {
  @Test("has texts and whole numbers by their names, in spite of white space")
  func members() throws {
    let object = try JSONObject(
      reading: Array(" {\t\"type\" : \"say\" ,\r\n\"number\":9007199254740992 , \"\":\"\" } ".utf8))
    #expect(object.text("type") == "say")
    #expect(object.number("number") == 1 << 53)
    #expect(object.text("") == "")
    #expect(object["none"] == nil)
    #expect(object.number("type") == nil && object.text("number") == nil)
  }

  @Test("may be empty")
  func empty() throws {
    #expect(try JSONObject(reading: Array("{ }".utf8)).written == "{}")
  }

  @Test(
    "has its escapes undone",
    arguments: [
      (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"), (#"\u0041\u00e9\u20AC"#, "Aé€"),
      (#"\ud83d\udc26"#, "🐦"), (#"\u0000"#, "\0"), ("é€🐦\u{7f}", "é€🐦\u{7f}"),
    ])
  func escapes(written: String, meant: String) throws {
    let object = try JSONObject(reading: Array("{\"a\":\"\(written)\"}".utf8))
    #expect(object.text("a") == meant)
  }

  @Test(
    "is refused, with what is wrong, when it is something else",
    arguments: [
      ("", "an object was expected"), ("[]", "an object was expected"),
      ("{", "a text was expected"), ("{\"a\"", "a colon was expected"),
      ("{\"a\":", "a text or a whole number was expected"), ("{\"a\":1", "the object does not end"),
      ("{\"a\":1,}", "a text was expected"), ("{} {}", "something follows the object"),
      ("{\"a", "a text does not end"), ("{\"a\n\":1}", "a control character is not escaped"),
      ("{\"\\x\":1}", "an escape is unknown"), ("{\"\\", "an escape is unknown"),
      ("{\"\\u12g4\":1}", "an escape needs four hexadecimal digits"),
      ("{\"\\u+123\":1}", "an escape needs four hexadecimal digits"),
      ("{\"\\u12", "an escape needs four hexadecimal digits"),
      ("{\"\\ud83d\":1}", "half a surrogate pair"), ("{\"\\ud83d\\n\":1}", "half a surrogate pair"),
      ("{\"\\ud83d\\u0041\":1}", "half a surrogate pair"),
      ("{\"\\udc26\":1}", "half a surrogate pair"),
      ("{\"a\":01}", "a number begins with 0"),
      ("{\"a\":-1}", "a text or a whole number was expected"),
      ("{\"a\":1.5}", "the object does not end"), ("{\"a\":1e9}", "the object does not end"),
      ("{\"a\":9007199254740993}", "a number is too large"),
      ("{\"a\":99999999999999999999999999}", "a number is too large"),
      ("{\"a\":true}", "a text or a whole number was expected"),
      ("{\"a\":null}", "a text or a whole number was expected"),
      ("{\"a\":{}}", "a text or a whole number was expected"),
      ("{\"a\":[]}", "a text or a whole number was expected"),
      ("{\"a\":1,\"a\":2}", "a member comes twice"),
    ])
  func refused(text: String, reason: String) {
    #expect(throws: JSONError(reason)) { try JSONObject(reading: Array(text.utf8)) }
  }

  @Test("has eight members at the most")
  func memberLimit() throws {
    func object(_ count: Int) -> [UInt8] {
      Array(("{" + (0..<count).map { "\"\($0)\":\($0)" }.joined(separator: ",") + "}").utf8)
    }
    #expect(try JSONObject(reading: object(8)).number("7") == 7)
    #expect(throws: JSONError("too many members")) { try JSONObject(reading: object(9)) }
  }

  @Test("that is nested a hundred thousand deep is refused at once")
  func depth() {
    let text = String(repeating: "{\"a\":", count: 100_000)
    #expect(throws: JSONError.self) { try JSONObject(reading: Array(text.utf8)) }
  }

  @Test("of bytes that are no UTF-8 never traps")
  func invalidText() throws {
    for byte in UInt8(0x80)...0xFF {
      _ = try? JSONObject(reading: Array("{\"".utf8) + [byte] + Array("\":\"\\u00".utf8) + [byte])
      _ = try? JSONObject(reading: [byte])
    }
    let object = try JSONObject(reading: Array("{\"a\":\"".utf8) + [0xFF] + Array("\"}".utf8))
    #expect(object.text("a") == "\u{FFFD}")
  }

  @Test("is written so that it is read as it was meant, and on one line")
  func writing() throws {
    let object: JSONObject = ["text": "a\"b\\c\nd\u{1}é🐦", "number": 7, "list": .numbers([1, 2])]
    #expect(
      object.written == #"{"text":"a\"b\\c\u000ad\u0001é🐦","number":7,"list":[1,2]}"#)
    let plain: JSONObject = ["text": "a\"b\\c\nd\u{1}é🐦", "number": 7]
    let read = try JSONObject(reading: Array(plain.written.utf8))
    #expect(read.text("text") == "a\"b\\c\nd\u{1}é🐦" && read.number("number") == 7)
  }

  @Test("can have another one's members behind its own")
  func adding() {
    let sum = (["a": 1] as JSONObject).adding(["b": "c"])
    #expect(sum.written == #"{"a":1,"b":"c"}"#)
  }
}
