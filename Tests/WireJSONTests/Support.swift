import WireJSON

func withText<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes(body)
}

func patched(_ target: String, _ patch: String) throws -> String {
    try withText(target) { target in
        try withText(patch) { String(decoding: try JSONEdit.mergePatch($0, into: target), as: UTF8.self) }
    }
}

/// Parses and prints again.
func minified(_ text: String, maxDepth: Int = 512) throws -> String {
    let parser = JSONParser(maxDepth: maxDepth)
    return String(decoding: try parser.parse(Array(text.utf8)).json, as: UTF8.self)
}

/// The numbers of a seed: the same in each run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
