import CFuzzer

/// One input: a byte that chooses the encoder, one that chooses the batches, then the events. See `EncoderCheck`.
private func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let check = EncoderCheck(UnsafeRawBufferPointer(start: data, count: size)) else { return 0 }
    if let fault = check.fault() { cfuzzer_found("\(fault)\n\(check)") }
    return 0
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { test($0, $1) }
