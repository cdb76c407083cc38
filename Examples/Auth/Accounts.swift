/// Who may come in: names, each with a token that is made anew at every start.
struct Accounts: Sendable {
  struct Account: Sendable {
    let name: String
    let token: String
  }

  let all: [Account]

  init(names: [String]) {
    all = names.map { Account(name: $0, token: Self.makeToken()) }
  }

  /// Whose token it is. Takes the same time whether it is nearly right or all wrong: it looks at
  /// every account.
  func name(of token: String) -> String? {
    var found: String?
    for account in all where Self.areEqual(account.token, token) { found = account.name }
    return found
  }

  /// 128 bits from the kernel, in hexadecimal.
  private static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in
      let byte = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
      return byte.count < 2 ? "0" + byte : byte
    }.joined()
  }

  /// Compares all bytes, wherever the first difference is: how long it takes must not tell how much
  /// of a guess was right. The length is no secret.
  private static func areEqual(_ one: String, _ other: String) -> Bool {
    guard one.utf8.count == other.utf8.count else { return false }
    var difference: UInt8 = 0
    for (left, right) in zip(one.utf8, other.utf8) { difference |= left ^ right }
    return difference == 0
  }
}
