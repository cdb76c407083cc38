import Glibc

let options = Options(CommandLine.arguments.dropFirst())
exit(Runner(options).run())
