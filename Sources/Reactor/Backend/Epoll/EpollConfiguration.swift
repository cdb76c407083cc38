/// How an epoll backend works.
struct EpollConfiguration {
  /// Bytes of the buffer that all connections are received into, one after the other: it stays in
  /// the processor's cache, and the largest messages need one system call.
  var receiveBufferByteCount = 512 * 1024
  /// Bytes received from a connection in a row before the others have their turn. The last read may
  /// exceed it. Fewer if they cost much: `TurnNotes`.
  var receiveBudgetByteCount = 1024 * 1024
  /// Connections accepted from a listener in a row before the others have their turn.
  var acceptBudgetCount = DeliveryLimits.acceptCountMax
  /// Nanoseconds that a wait delivers what has come since the last one.
  var deliveryNanosecondsMax = DeliveryLimits.nanosecondsMax
  /// Nanoseconds that are left for those that have had their turn and have more.
  var backlogNanosecondsMin = DeliveryLimits.backlogNanosecondsMin
  /// Events taken from the kernel at once.
  var eventCount = 512
}
