import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

// The echo contract on SwiftNIO's NIOWebSocket: one event loop, no idle timeout, no compression.

let messageByteCountMax = 1 << 20

func portArgument() -> Int {
  let arguments = CommandLine.arguments
  if arguments.count == 1 { return 0 }
  guard arguments.count == 3, arguments[1] == "--port", let port = Int(arguments[2]) else {
    exit(2)
  }
  return port
}

func configure(_ channel: any Channel) -> EventLoopFuture<Void> {
  let upgrader = NIOWebSocketServerUpgrader(
    maxFrameSize: messageByteCountMax,
    shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
    upgradePipelineHandler: { channel, _ in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(EchoHandler())
      }
    })
  return channel.pipeline.configureHTTPServerPipeline(
    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
}

var files = rlimit()
getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
files.rlim_cur = files.rlim_max
setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
signal(SIGTERM) { _ in _exit(0) }

let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let listener = try ServerBootstrap(group: group)
  .serverChannelOption(.backlog, value: 4096)
  .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
  .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  .childChannelInitializer(configure)
  .bind(host: "127.0.0.1", port: portArgument()).wait()
var line = "listening port=\(listener.localAddress?.port ?? 0)\n"
line.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
try listener.closeFuture.wait()
