import CFuzzer

/// One input is the body of one request. See `DecoderCheck`.
private func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let body = UnsafeRawBufferPointer(start: data, count: size)
    if let fault = DecoderCheck.fault(.messages, body) {
        cfuzzer_found("\(fault)\n\(String(decoding: body, as: UTF8.self))")
    }
    return 0
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { test($0, $1) }
