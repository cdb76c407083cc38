/// What the kernel can do, tried out.
enum SelfTest {
  static func capabilities() throws(SystemError) -> IOURingCapabilities {
    IOURingCapabilities()
  }
}
