import CProcess
import Glibc

/// Makes io_uring_setup(2) fail with EPERM from now on, as containers do.
func forbidIOURing() {
  forbidSystemCall(425)
}

/// Makes io_uring_register(2) fail with EPERM from now on when it is to restrict a ring.
func forbidRestrictingRings() {
  forbidSystemCall(427, secondArgument: 11)
}

/// Makes fallocate(2) fail with EPERM from now on.
func forbidGivingPagesBack() {
  forbidSystemCall(UInt32(process_fallocate_number()))
}

/// Makes a system call fail with EPERM from now on: always, or with one value of its second argument.
private func forbidSystemCall(_ number: UInt32, secondArgument: UInt32? = nil) {
  struct Instruction {
    var code: UInt16
    var jumpTrue: UInt8 = 0
    var jumpFalse: UInt8 = 0
    var value: UInt32
  }
  struct Program {
    var count: UInt16
    var instructions: UnsafePointer<Instruction>
  }
  typealias Control = @convention(c) (Int, Int, Int, Int, Int) -> Int32
  let prctl = unsafeBitCast(dlsym(nil, "prctl"), to: Control.self)
  var instructions = [
    Instruction(code: 0x20, value: 0),  // the number of the system call
    Instruction(code: 0x15, jumpFalse: secondArgument == nil ? 1 : 3, value: number),
  ]
  if let secondArgument {
    instructions += [
      Instruction(code: 0x20, value: 24),  // the lower half of its second argument
      Instruction(code: 0x15, jumpFalse: 1, value: secondArgument),
    ]
  }
  instructions += [
    Instruction(code: 0x06, value: 0x0005_0000 | UInt32(EPERM)),
    Instruction(code: 0x06, value: 0x7FFF_0000),  // everything else
  ]
  instructions.withUnsafeBufferPointer { instructions in
    var program = Program(
      count: UInt16(instructions.count), instructions: instructions.baseAddress!)
    withUnsafePointer(to: &program) { program in
      precondition(prctl(38, 1, 0, 0, 0) == 0)  // PR_SET_NO_NEW_PRIVS
      precondition(prctl(22, 2, Int(bitPattern: program), 0, 0) == 0)  // PR_SET_SECCOMP
    }
  }
}
