/// What the examples read as JSON against a plain reading, and what they write against what they read.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let bytes = input.bytes()
  let object = try? JSONObject(reading: bytes)
  // What is no UTF-8 never comes so far. It must not trap all the same.
  guard let text = String(validating: bytes, as: UTF8.self) else { return 0 }

  let members = allowed(PlainJSON.members(text))
  promise("read or refused", object != nil, equals: members != nil)
  guard let object, let members else { return 0 }
  for member in members {
    promise("a member", object[member.name], equals: member.value)
    promise("its text", object.text(member.name), equals: plainText(member.value))
    promise("its number", object.number(member.name), equals: plainNumber(member.value))
  }
  checkWriting(of: object, members)
  return 0
}

/// As far as an object may have so many members, and each once.
private func allowed(_ members: [PlainJSON.Member]?) -> [PlainJSON.Member]? {
  guard let members, members.count <= JSONObject.memberCountMax else { return nil }
  return Set(members.map(\.name)).count == members.count ? members : nil
}

private func checkWriting(of object: JSONObject, _ members: [PlainJSON.Member]) {
  let written = object.written
  guard let again = PlainJSON.members(written) else {
    fatalError("not kept: what is written is JSON: \(written)")
  }
  promise("members written", again.map(\.name), equals: members.map(\.name))
  promise("values written", again.map(\.value), equals: members.map(\.value))
  promise("one line", written.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  guard let read = try? JSONObject(reading: Array(written.utf8)) else {
    fatalError("not kept: what is written can be read: \(written)")
  }
  promise("written again", read.written, equals: written)
}

private func plainText(_ value: JSONObject.Value) -> String? {
  guard case .text(let text) = value else { return nil }
  return text
}

private func plainNumber(_ value: JSONObject.Value) -> UInt64? {
  guard case .number(let number) = value else { return nil }
  return number
}
