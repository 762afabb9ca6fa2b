import CFuzzer

/// One input: five bytes that choose how the answer is read and cut, then the answer. See `ReplyInput`.
private func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let input = ReplyInput(UnsafeRawBufferPointer(start: data, count: size)) else { return 0 }
    if let fault = input.fault() { cfuzzer_found("\(fault)\n\(input)") }
    return 0
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { test($0, $1) }
