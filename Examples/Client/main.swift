import ExampleSupport
import Glibc
import WebSocket

await ExampleProgram.run("client", options: Options.self) { options in
  let conversation = Conversation()
  var dial = options.dial
  dial.attemptFailed = { conversation.attemptFailed($0, retryMilliseconds: $1) }
  let client = try Client(options.configuration) { on in
    on.opened = { connection, _ in conversation.opened(connection) }
    on.received = { _, message, _ in
      conversation.received()
      if !Output.write(message) { conversation.outputFailed() }
    }
    on.closed = { _, closure, _ in
      conversation.closed(closure, reconnects: options.reconnects)
    }
  }
  try client.connect(to: options.url, options: dial)

  // A read blocks, and the connection may end meanwhile.
  Task.detached { await sendInput(options, to: conversation) }
  let problem = await conversation.end()
  client.stop()
  client.wait()
  guard problem.isEmpty else {
    Console.errors.print("client: \(problem)")
    exit(1)
  }
}

/// Sends what is read, as fast as the connection takes it, and closes the connection at the end.
func sendInput(_ options: Options, to conversation: Conversation) async {
  var input = Input(isBinary: options.isBinary)
  var isGood = true
  while isGood, let bytes = input.next() {
    if options.isBinary {
      let message = Array(bytes)
      isGood = await conversation.send(byteCount: message.count) { connection, completion in
        connection.send(message, completion: completion)
      }
    } else if let text = String(validating: bytes, as: UTF8.self) {
      isGood = await conversation.send(byteCount: bytes.count) { connection, completion in
        connection.send(text, completion: completion)
      }
    } else {
      conversation.inputFailed()
      isGood = false
    }
  }
  await conversation.close(afterIdle: .milliseconds(options.idleMilliseconds))
}
