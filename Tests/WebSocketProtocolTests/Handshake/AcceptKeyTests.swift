import Testing
import WebSocketProtocol

@Suite("RFC 6455 §1.3: the accept key")
struct AcceptKeyTests {
  @Test("the example of the RFC gives its answer")
  func example() throws {
    let key = try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
    #expect(text(key.accept) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test("a key made of 16 bytes is their base64, and computing the answer leaves it as it was")
  func fromNonce() throws {
    let nonce = InlineArray<16, UInt8> { Array("the sample nonce".utf8)[$0] }
    let key = HandshakeKey(nonce: nonce)
    // Defect D13 of the predecessor: the answer was computed in the memory of the key.
    _ = key.accept
    #expect(
      key.characters.indices.map { key.characters[$0] } == Array("dGhlIHNhbXBsZSBub25jZQ==".utf8))
    #expect(key == handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
  }

  @Test(
    "a key may have any bits where 16 bytes leave them unused; the answer is that to it as sent",
    arguments: [
      ("abcdefghijklmnopqrstuv==", "bgAIe1Uyl8RkKSUGzScol17gp1Y="),
      ("abcdefghijklmnopqrstug==", "wj1jp9dtXPkU+4jX/bjfVS6WdQE="),
      ("/////////////////////+==", "3BVAQ6Z9FcOLtfBDpV3+0WEa6Ts="),
    ])
  func unusedBits(key: String, answer: String) throws {
    let parsed = try #require(handshakeKey(key))
    #expect(parsed.characters.indices.map { parsed.characters[$0] } == Array(key.utf8))
    #expect(text(parsed.accept) == answer)
  }

  @Test(
    "a key that is not 16 bytes in base64 is none",
    arguments: [
      "", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
      "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZWFi",
      "dGhlIHNhbXBsZS-ub25jZQ==", "dGhlIHNhbXBsZS ub25jZQ==", "=GhlIHNhbXBsZSBub25jZQ==",
      "dGhlIHNhbXBsZSBub25jZQ=a",
    ])
  func refused(text: String) {
    #expect(handshakeKey(text) == nil)
  }

  @Test("a client accepts exactly the answer to its key")
  func matches() throws {
    let accept = try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ==")).accept
    func matches(_ answer: String) -> Bool { accept.matches(Array(answer.utf8).span.bytes) }
    #expect(matches("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    #expect(!matches("S3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    #expect(!matches("s3pPLMBiTxaQ9kYGzzhZRbK+xOo"))
    #expect(!matches(""))
  }
}

@Suite("RFC 3174: SHA-1")
struct SHA1Tests {
  @Test(
    "the vectors of §7.3",
    arguments: [
      ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
      ),
      ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
      (
        "0123456701234567012345670123456701234567012345670123456701234567", 10,
        "dea356a2cddd90c7a7ecedc5ebb563934f460452"
      ),
      ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ])
  func vector(text: String, count: Int, expected: String) {
    let message = Array(String(repeating: text, count: count).utf8)
    #expect(hexadecimal(SHA1.digest(of: message.span)) == expected)
  }

  @Test("every length from 0 to 260, so around four block borders")
  func lengths() {
    var digests: [UInt8] = []
    for length in 0...260 {
      let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + length) }
      let digest = SHA1.digest(of: message.span)
      digests += digest.indices.map { digest[$0] }
    }
    // Of the same 261 digests as Python's hashlib computes them.
    #expect(
      hexadecimal(SHA1.digest(of: digests.span)) == "47348438734738a4d9414450603cce22312af043")
  }

  private func hexadecimal(_ digest: InlineArray<20, UInt8>) -> String {
    digest.indices.map { index in
      let digits = String(digest[index], radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}

@Suite("RFC 4648 §10: base64")
struct Base64Tests {
  @Test(
    "the vectors of the RFC",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func vector(plain: String, expected: String) {
    #expect(encoded(Array(plain.utf8)) == expected)
  }

  @Test("the whole alphabet")
  func alphabet() {
    let bytes: [UInt8] = [
      0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8B, 0x30, 0xD3, 0x8F, 0x41, 0x14, 0x93,
      0x51, 0x55, 0x97, 0x61, 0x96, 0x9B, 0x71, 0xD7, 0x9F, 0x82, 0x18, 0xA3, 0x92, 0x59, 0xA7,
      0xA2, 0x9A, 0xAB, 0xB2, 0xDB, 0xAF, 0xC3, 0x1C, 0xB3, 0xD3, 0x5D, 0xB7, 0xE3, 0x9E, 0xBB,
      0xF3, 0xDF, 0xBF,
    ]
    #expect(
      encoded(bytes) == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  }

  private func encoded(_ bytes: [UInt8]) -> String {
    var text = [UInt8](repeating: 0, count: Base64.encodedByteCount(bytes.count))
    var span = text.mutableSpan
    Base64.encode(bytes.span, into: &span)
    return String(decoding: text, as: UTF8.self)
  }
}

func handshakeKey(_ text: String) -> HandshakeKey? {
  HandshakeKey(Array(text.utf8).span.bytes)
}

private func text(_ accept: AcceptKey) -> String {
  String(decoding: accept.characters.indices.map { accept.characters[$0] }, as: UTF8.self)
}
