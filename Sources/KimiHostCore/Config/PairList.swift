/// `name=value` pairs with commas between them, values percent-encoded, as OpenTelemetry's variables have them.
enum PairList {
    /// Nil where there is no pair.
    static func read(_ text: String) -> [(String?, String?)] {
        text.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }.map { pair in
            guard let equals = pair.firstIndex(of: "=") else { return (nil, nil) }
            let name = pair[..<equals].trimmed
            let value = decoded(pair[pair.index(after: equals)...].trimmed)
            return (name.isEmpty ? nil : String(name), value)
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}

/// Headers of the requests to a collector.
enum HeaderText {
    static let mistake =
        "a header's name is letters, digits and dashes, and its value printable ASCII characters"

    static func isLegal(_ name: String, _ value: String) -> Bool {
        let isName =
            !name.isEmpty && name.utf8.count <= 128
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
            }
        return isName && value.utf8.count <= 8_192 && value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
