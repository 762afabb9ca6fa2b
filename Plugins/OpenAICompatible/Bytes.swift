internal import PluginABI
package import PluginKit

extension UnsafeRawBufferPointer {
    /// Are these bytes that lower-case ASCII word, in whatever case?
    package func matchesIgnoringCase(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for (byte, wanted) in zip(self, UnsafeBufferPointer(start: word.utf8Start, count: count)) {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            guard (isUpper ? byte | 0x20 : byte) == wanted else { return false }
        }
        return true
    }

    /// Does that lower-case ASCII word occur here, in whatever case?
    package func containsIgnoringCase(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard length <= count else { return false }
        for start in 0...(count - length) {
            let candidate = UnsafeRawBufferPointer(rebasing: self[start..<(start + length)])
            if candidate.matchesIgnoringCase(word) { return true }
        }
        return false
    }

    /// Without white space at both ends.
    package var trimmed: UnsafeRawBufferPointer {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return UnsafeRawBufferPointer(rebasing: self[0..<0])
        }
        return UnsafeRawBufferPointer(rebasing: self[first...last])
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the closure's error type.
    package func withUnsafeBytesTyped<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}

extension PluginFailure {
    /// The upstream's bytes make no sense.
    package static func protocolError(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, message)
    }
}
