internal import PluginABI
internal import PluginKit
internal import WireJSON

extension UnsafeRawBufferPointer {
    /// Without white space at both ends.
    var trimmed: UnsafeRawBufferPointer {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return UnsafeRawBufferPointer(rebasing: self[0..<0])
        }
        return UnsafeRawBufferPointer(rebasing: self[first...last])
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the closure's error type.
    func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}

extension JSONSpan {
    /// Is there more than `null`?
    var isGiven: Bool { kind != .null }

    /// The member of that name unless it is absent or null.
    func given(_ name: StaticString) -> JSONSpan? {
        self[name].flatMap { $0.isGiven ? $0 : nil }
    }

    /// A string that is not empty, decoded.
    var word: String? {
        string.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A number as it stands, if it is a whole one within Int64.
    var integer: Int64? {
        guard kind == .int || kind == .uint else { return nil }
        return Int64(String(decoding: raw, as: UTF8.self))
    }

    /// Any number.
    var double: Double? {
        guard kind == .int || kind == .uint || kind == .double else { return nil }
        return Double(String(decoding: raw, as: UTF8.self))
    }

    /// A string's bytes, decoded only if something is escaped; empty for other kinds.
    func withText<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        let inner = inner
        guard inner.contains(UInt8(ascii: "\\")) else { return body(inner) }
        return decoded.withUnsafeBytes(body)
    }
}

extension ByteWriter {
    /// Literal JSON text that is known only at run time.
    func append(json: String) { append(utf8: json) }
}

/// The beginning of something, fit for a sentence: one line, no control characters, at most `limit` characters.
func excerpt(_ bytes: UnsafeRawBufferPointer, limit: Int = 200) -> String {
    let text = String(decoding: bytes.prefix(limit * 4), as: UTF8.self)
    let words = text.split { $0.isWhitespace || $0.isNewline || $0.unicodeScalars.allSatisfy { $0.value < 0x20 } }
    let line = words.joined(separator: " ")
    if line.isEmpty { return bytes.isEmpty ? "(empty)" : "(no text)" }
    return line.count > limit ? String(line.prefix(limit - 1)) + "…" : line
}

extension PluginFailure {
    /// A configuration that cannot work.
    static func config(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_CONFIG, KIMI_CAT_CONFIG, message)
    }

    /// A request that cannot be expressed.
    static func badRequest(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_UNSUPPORTED, KIMI_CAT_BAD_REQUEST, message)
    }

    /// An answer that makes no sense.
    static func protocolError(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, message)
    }
}
