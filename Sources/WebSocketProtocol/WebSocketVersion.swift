/// The wire protocol of RFC 6455.
enum WebSocketVersion { static let number = 13 }
