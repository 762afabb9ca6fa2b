public import PluginABI

extension kimi_bytes {
    /// Borrows the buffer.
    public init(_ buffer: UnsafeRawBufferPointer) {
        self.init(ptr: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), len: buffer.count)
    }

    /// A literal: valid for ever. Must not be a single Unicode scalar literal.
    public init(literal text: StaticString) {
        self.init(ptr: text.utf8Start, len: text.utf8CodeUnitCount)
    }

    /// The bytes, borrowed.
    public var buffer: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len)
    }

    /// A copy as text; what is not UTF-8 becomes U+FFFD.
    public var text: String {
        String(decoding: buffer, as: UTF8.self)
    }
}

extension kimi_event {
    /// An event whose slices and integers are all zero.
    public init(_ type: kimi_event_type, choice: UInt32 = 0, index: UInt32 = 0) {
        self.init()
        self.type = type.rawValue
        self.choice = choice
        self.index = index
    }
}

extension kimi_result {
    /// The value of the first header of that name, whatever its case; borrowed.
    public func header(_ name: StaticString) -> UnsafeRawBufferPointer? {
        let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        for header in UnsafeBufferPointer(start: headers, count: headers == nil ? 0 : n_headers)
        where equalIgnoringCase(header.name.buffer, wanted) {
            return header.value.buffer
        }
        return nil
    }
}

private func equalIgnoringCase(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { lowercased($0) == lowercased($1) }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

extension String {
    /// Calls the closure with this string's UTF-8, borrowed.
    func withBytes<Result>(_ body: (kimi_bytes) -> Result) -> Result {
        var copy = self
        return copy.withUTF8 { body(kimi_bytes(UnsafeRawBufferPointer($0))) }
    }
}
