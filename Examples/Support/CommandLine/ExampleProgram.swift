internal import Glibc
public import WebSocket

/// What can be read from a command line.
public protocol ExampleOptions {
  /// A line for each option, indented by two spaces.
  static var usage: String { get }
  /// What stands on the command line besides options.
  static var operands: String { get }

  init(_ arguments: [String]) throws(InvalidOption)
}

extension ExampleOptions {
  public static var operands: String { "" }
}

/// What every example does around its server or client.
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
    let options = read(options, of: name)
    do { try body(options) } catch { fail(name, error) }
  }

  /// As `run`, for a client that waits.
  public static func run<Options: ExampleOptions>(
    _ name: String, options: Options.Type, _ body: (Options) async throws -> Void
  ) async {
    let options = read(options, of: name)
    do { try await body(options) } catch { fail(name, error) }
  }

  private static func read<Options: ExampleOptions>(
    _ type: Options.Type, of name: String
  ) -> Options {
    // Whoever reads the lines may go away: the write then fails, and the program goes on.
    _ = signal(SIGPIPE, SIG_IGN)

    let arguments = Array(CommandLine.arguments.dropFirst())
    let operands = type.operands.isEmpty ? "" : " \(type.operands)"
    let usage = "usage: \(name) [options]\(operands)\n\(type.usage)"
    if arguments == ["--help"] {
      Console.output.print(usage)
      exit(0)
    }
    do {
      return try Options(arguments)
    } catch {
      Console.errors.print("\(name): \(error.reason)\n\(usage)")
      exit(2)
    }
  }

  private static func fail(_ name: String, _ error: any Error) -> Never {
    Console.errors.print("\(name): \(error)")
    exit(1)
  }

  /// Prints where a server listens.
  public static func announce(_ server: Server) {
    for address in server.addresses { Console.output.print("listening on ws://\(address)/") }
  }
}
