internal import PluginKit
internal import WireJSON

/// JSON that rides through a client in a string of its API: a prefix and base64. Not encrypted.
struct Sealed {
    let prefix: StaticString

    /// A reasoning item of the Responses API, as the signature of a thinking block.
    static let item = Sealed(prefix: "kimi-host.item.1.")
    /// An entry of `reasoning_details`, as the data of a redacted thought.
    static let detail = Sealed(prefix: "kimi-host.detail.1.")

    /// Writes the text, without quotes.
    func write(_ json: UnsafeRawBufferPointer, to out: ByteWriter) {
        out.append(prefix)
        Base64.write(json, to: out)
    }

    /// The JSON object in the string; nil if it is none of ours, or was cut.
    func open(_ text: JSONSpan) -> [UInt8]? {
        guard text.kind == .string else { return nil }
        let inner = text.inner
        let length = prefix.utf8CodeUnitCount
        guard inner.count > length, UnsafeRawBufferPointer(rebasing: inner[..<length]).matches(prefix),
            let json = Base64.read(UnsafeRawBufferPointer(rebasing: inner[length...])),
            String(validating: json, as: UTF8.self) != nil
        else { return nil }
        let isObject = json.withUnsafeBytes { text in
            guard let outline = try? JSONOutline(text) else { return false }
            return withExtendedLifetime(outline) { outline.root.kind == .object }
        }
        return isObject ? json : nil
    }
}

extension JSONSpan {
    /// Calls the closure with a reasoning item: this one, or the one that was sealed into its `encrypted_content`.
    func withReasoningItem(_ body: (JSONSpan) -> Void) {
        guard let content = self["encrypted_content"], let item = Sealed.item.open(content) else { return body(self) }
        item.withUnsafeBytes { item in
            guard let outline = try? JSONOutline(item) else { return }
            body(outline.root)
            withExtendedLifetime(outline) {}
        }
    }
}

/// An entry of `reasoning_details` for clients of Anthropic's API, who get its `data` as a redacted thought.
enum SealedDetail {
    /// Anthropic's own data goes as it is, so that Anthropic can read it too; of others, all is in the data.
    static func write(_ detail: JSONValue, to out: ByteWriter) {
        let format = detail["format"]?.stringBytes
        guard detail.hasType("reasoning.encrypted"), !(format.map { $0.starts(with: "anthropic".utf8) } ?? false) else {
            return detail.write(to: out)
        }
        out.append(#"{"type":"reasoning.encrypted","data":""#)
        detail.json.withUnsafeBytes { Sealed.detail.write($0, to: out) }
        out.append(#""}"#)
    }
}

/// RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func write(_ bytes: UnsafeRawBufferPointer, to out: ByteWriter) {
        out.reserve((bytes.count + 2) / 3 * 4)
        var position = 0
        while position < bytes.count {
            let left = min(3, bytes.count - position)
            var word = UInt32(bytes[position]) << 16
            if left > 1 { word |= UInt32(bytes[position + 1]) << 8 }
            if left > 2 { word |= UInt32(bytes[position + 2]) }
            for digit in 0..<4 {
                let isPadding = digit > left
                out.append(
                    byte: isPadding ? UInt8(ascii: "=") : alphabet[Int(word >> (18 - 6 * UInt32(digit))) & 63])
            }
            position += 3
        }
    }

    static func read(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let digits = text.count - text.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3)
        var word: UInt32 = 0
        var bits = 0
        for byte in text.prefix(digits) {
            guard let value = value(byte) else { return nil }
            word = word << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return result
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
