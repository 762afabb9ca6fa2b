import CFuzzer

/// One input: a byte that chooses the configuration, one that chooses the model, then the request. See `RequestInput`.
private func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let input = RequestInput(UnsafeRawBufferPointer(start: data, count: size)) else { return 0 }
    if let fault = input.fault() { cfuzzer_found("\(fault)\n\(input)") }
    return 0
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { test($0, $1) }
