/// An example, and what is said to it.
enum Kind: String {
  case echo, chat, broadcast, rtt, auth, live

  var conversation: Conversation.Type {
    switch self {
    case .echo: EchoConversation.self
    case .chat: ChatConversation.self
    case .broadcast: BroadcastConversation.self
    case .rtt: RoundTripConversation.self
    case .auth: AuthConversation.self
    case .live: LiveConversation.self
    }
  }
}
