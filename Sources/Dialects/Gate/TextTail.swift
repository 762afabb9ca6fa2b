import CanonicalModel
import PluginABI

extension UInt8 {
    /// White space between the tokens of JSON.
    var isJSONSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}

/// Joins characters that a plugin cut into two events: up to three bytes wait for the rest of their character.
package struct TextTail {
    private var held: [UInt8] = []

    /// Hands on `event` with whole characters in slice a.
    mutating func join(_ event: CanonicalEvent, _ repairs: Repairs, _ pass: (CanonicalEvent) -> Void) {
        // What is signed is a whole.
        let cut = event.b.len > 0 ? 0 : Self.cutBytes(event.a.buffer)
        guard cut > 0 || !held.isEmpty else { return pass(event) }
        let bytes = held + event.a.buffer
        // Bytes that were held may be the beginning of what is cut now.
        let left = event.b.len > 0 ? 0 : bytes.withUnsafeBytes { Self.cutBytes($0) }
        held = Array(bytes.suffix(left))
        if left > 0 { repairs.add(.order, "a character was cut into two events; it was joined") }
        guard bytes.count > left || event.b.len > 0 else { return }
        bytes.dropLast(left).withUnsafeBytes { bytes in
            var event = event
            event.a = kimi_bytes(bytes)
            pass(event)
        }
    }

    /// Nothing follows: hands on what waits, as `event`'s slice a. Encoders write U+FFFD for it.
    mutating func flush(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) {
        guard !held.isEmpty else { return }
        let bytes = held
        held = []
        bytes.withUnsafeBytes { bytes in
            var event = event
            event.a = kimi_bytes(bytes)
            pass(event)
        }
    }

    /// How many bytes at the end are the beginning of a character.
    package static func cutBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let last = bytes.last, last >= 0x80 else { return 0 }
        for back in 1...min(3, bytes.count) {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
            return byte >= 0xC2 && byte <= 0xF4 && length > back ? back : 0
        }
        return 0
    }
}
