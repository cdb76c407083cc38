internal import Glibc

/// Lines of text, written at once, so that whoever reads them through a pipe need not wait.
public enum Console: Int32 {
  case output = 1
  case errors = 2

  public func print(_ line: String) {
    var line = line + "\n"
    line.withUTF8 { bytes in
      // Nobody to read it is no reason to stop.
      _ = unsafe write(rawValue, bytes.baseAddress, bytes.count)
    }
  }
}
