/// Text from outside, made fit for one line of a log.
package enum LogText {
    /// Bytes of foreign text in one line.
    package static let maxBytes = 2_048

    /// Control characters as `\\u{..}`: no forged lines, no terminal escapes. Cut at `maxBytes`.
    package static func oneLine(_ text: String) -> String {
        text.utf8.count <= maxBytes ? plain(text) : escaped(text, most: maxBytes)
    }

    /// The same of a whole line, which is not cut.
    package static func plain(_ text: String) -> String {
        text.unicodeScalars.contains(where: isControl) ? escaped(text, most: .max) : text
    }

    private static func escaped(_ text: String, most: Int) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            guard result.utf8.count < most else { return result + "…" }
            if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// What ends lines, steers terminals or turns the direction of what follows.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        return value < 0x20 || (0x7F...0x9F).contains(value) || (0x2028...0x202E).contains(value)
            || (0x2066...0x2069).contains(value)
    }
}
