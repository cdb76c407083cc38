internal import Glibc
public import WebSocket

/// What can be read from a command line.
public protocol ExampleOptions {
  /// A line for each option, indented by two spaces.
  static var usage: String { get }

  init(_ arguments: [String]) throws(InvalidOption)
}

/// What every example does around its server.
public enum ExampleProgram {
  /// Runs `body` with the options that all examples have.
  public static func run(_ name: String, _ body: (ServerOptions) throws -> Void) {
    run(name, options: ServerOptions.self, body)
  }

  /// Runs `body` with the options of the command line. Ends the process with 2 if they are wrong,
  /// and with 1 if `body` throws.
  public static func run<Options: ExampleOptions>(
    _ name: String, options: Options.Type, _ body: (Options) throws -> Void
  ) {
    // Whoever reads the lines may go away: the write then fails, and the server goes on.
    _ = signal(SIGPIPE, SIG_IGN)

    let arguments = Array(CommandLine.arguments.dropFirst())
    let usage = "usage: \(name) [options]\n\(Options.usage)"
    if arguments == ["--help"] { return Console.output.print(usage) }
    do {
      try body(Options(arguments))
    } catch let invalid as InvalidOption {
      Console.errors.print("\(name): \(invalid.reason)\n\(usage)")
      exit(2)
    } catch {
      Console.errors.print("\(name): \(error)")
      exit(1)
    }
  }

  /// Prints where a server listens.
  public static func announce(_ server: Server) {
    for address in server.addresses { Console.output.print("listening on ws://\(address)/") }
  }
}
