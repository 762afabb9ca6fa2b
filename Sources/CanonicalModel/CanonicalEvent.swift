package import PluginABI

/// A canonical event: the ABI's own 96-byte struct, so that the hot path converts nothing. Its slices are borrowed.
package typealias CanonicalEvent = kimi_event

extension kimi_bytes {
    /// The bytes, borrowed for as long as the slice is valid.
    package var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len) }

    /// A copy as text; invalid UTF-8 becomes U+FFFD.
    package var text: String { String(decoding: buffer, as: UTF8.self) }

    /// A slice over borrowed bytes.
    package init(_ buffer: UnsafeRawBufferPointer) {
        self.init(ptr: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), len: buffer.count)
    }
}

/// Takes canonical events, in order, on the exchange's event loop.
package protocol EventReceiver: AnyObject {
    /// `events` is borrowed for the call. KIMI_OK, KIMI_STOP when no more is wanted, or negative.
    func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status
}

extension kimi_status {
    /// The number of a named status.
    package init(_ code: kimi_status_code) { self = code.rawValue }

    package var isFailure: Bool { self < 0 }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, with the closure's own error type.
    package func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
