/// Text from outside, made fit for one line of a log.
package enum LogText {
    /// Bytes of foreign text in one line.
    package static let maxBytes = 2_048

    /// Control characters as `\\u{..}`: no forged lines, no terminal escapes. Cut at `maxBytes`.
    package static func oneLine(_ text: String) -> String {
        let isPlain = text.utf8.count <= maxBytes && text.unicodeScalars.allSatisfy { !isControl($0) }
        if isPlain { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            guard result.utf8.count < maxBytes else { return result + "…" }
            if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
