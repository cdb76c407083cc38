extension ReactorConfiguration {
  /// Ends the process if something cannot be run with, whatever the machine: at the start, not when the
  /// first connection needs it.
  func check() {
    if connectionCountMax < 1 {
      misuse(
        "ReactorConfiguration.connectionCountMax is \(connectionCountMax). It must be at least 1.")
    }
    let count = receiveBufferCount
    if count.nonzeroBitCount != 1 || !(1...32_768 ~= count) {
      misuse(
        "ReactorConfiguration.receiveBufferCount is \(count). It must be a power of two up to 32,768."
      )
    }
    if receiveBufferByteCount < 1 || largeReceiveBufferByteCount < 1 {
      misuse(
        "ReactorConfiguration.receiveBufferByteCount and largeReceiveBufferByteCount must be at least 1."
      )
    }
  }
}
