import NIOCore
import NIOWebSocket

/// Sends every data frame back as it came: fragments as fragments.
///
/// Writes are flushed once for all that one read brought, as SwiftNIO recommends.
final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private var isClosing = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .text, .binary, .continuation:
      echo(frame, as: frame.opcode, context: context)
    case .ping:
      echo(frame, as: .pong, context: context)
    case .connectionClose:
      guard !isClosing else { return }
      isClosing = true
      let written = context.eventLoop.makePromise(of: Void.self)
      written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
      echo(frame, as: .connectionClose, context: context, promise: written)
    default:
      break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func echo(
    _ frame: WebSocketFrame, as opcode: WebSocketOpcode, context: ChannelHandlerContext,
    promise: EventLoopPromise<Void>? = nil
  ) {
    // The payload is copied once, since the channel keeps the buffer that it was received into. The
    // encoder gives the header a small buffer of its own, and both leave in one call.
    let answer = WebSocketFrame(fin: frame.fin, opcode: opcode, data: frame.unmaskedData)
    context.write(wrapOutboundOut(answer), promise: promise)
  }
}
