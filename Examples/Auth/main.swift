import ExampleSupport
import WebSocket

ExampleProgram.run("auth") { options in
  let accounts = Accounts(names: ["ada", "grace"])
  let server = try Server(options.configuration(), handler: Auth(accounts: accounts))
  ExampleProgram.announce(server)
  for account in accounts.all { Console.output.print("\(account.name)'s token: \(account.token)") }
  server.run()
}
