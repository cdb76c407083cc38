import Glibc
import WebSocket

/// Written at once, so that who reads it through a pipe need not wait.
func printLine(_ line: String, to descriptor: Int32 = STDOUT_FILENO) {
  var line = line + "\n"
  line.withUTF8 { bytes in
    _ = unsafe write(descriptor, bytes.baseAddress, bytes.count)
  }
}

_ = signal(SIGPIPE, SIG_IGN)

// Says `ready` when it has done what it was told to, and goes on with each line it is sent: it makes
// all connections, each of which has a message echoed; then each has another one echoed, as often as it
// is told to. The end of the input closes all of them.
do {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let crowd = try Crowd(options)
  printLine("ready")
  guard readLine() != nil else { exit(0) }
  try crowd.dial()
  printLine("ready")
  while readLine() != nil {
    try crowd.echo()
    printLine("ready")
  }
  try crowd.close()
} catch let invalid as Options.Invalid {
  printLine("client-scale: \(invalid.reason)\n\(Options.usage)", to: STDERR_FILENO)
  exit(2)
} catch {
  printLine("client-scale: \(error)", to: STDERR_FILENO)
  exit(1)
}
