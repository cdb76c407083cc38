import Testing
import WebSocketProtocol

@Suite("The description of an error of the protocol")
struct DescriptionTests {
  private static let errors: [any Error] =
    ProtocolError.allCases as [any Error] + HeadError.allCases as [any Error]
    + ([
      .malformedStatusLine, .unsupportedHTTPVersion, .invalidUpgrade, .invalidConnection,
      .invalidAccept, .unexpectedExtension, .unexpectedSubprotocol,
    ] as [ResponseError])
    + ([
      .malformedRequestLine, .invalidTarget, .targetTooLong, .unsupportedHTTPVersion, .missingHost,
      .repeatedHost, .invalidHost, .invalidContentLength, .methodNotAllowed, .upgradeByHTTP10,
      .missingUpgrade, .missingConnectionUpgrade, .unsupportedWebSocketVersion,
      .repeatedWebSocketVersion, .missingKey, .repeatedKey, .invalidKey, .bodyNotAllowed,
      .repeatedOrigin, .invalidSubprotocol, .invalidExtensions,
    ] as [HandshakeError])
    + ([
      .invalidName, .invalidValue, .reservedName, .invalidScheme, .tlsUnsupported, .invalidPort,
      .invalidHost, .invalidTarget, .invalidSubprotocol, .invalidExtension,
    ] as [HandshakeFieldError])

  @Test("is one line of whole sentences, its own for each")
  func sentences() {
    let texts = Self.errors.map { "\($0)" }
    for text in texts {
      #expect(text.hasSuffix(".") && text.contains(" ") && !text.contains("\n"), "\(text)")
    }
    #expect(Set(texts).count == texts.count)
  }

  @Test("says of wss:// that TLS is missing")
  func tls() {
    for url in ["wss://example.com/", "WSS://example.com"] {
      let error = #expect(throws: HandshakeFieldError.tlsUnsupported) { try WebSocketURL(url) }
      #expect("\(error as Any)".contains("has no TLS"))
    }
  }
}
