package import CanonicalModel
package import PluginABI
package import WireJSON

/// A reply that goes down as its upstream sent it. The events that the provider makes of it serve the log, and tell
/// whether the reply is good: bytes of a read leave only after the provider has read them.
///
/// A stream leaves in whole events, so that it can be ended legally whatever happens next.
package final class NativeReply: ResponseEncoder {
    /// Bytes of an upstream's refusal that are kept to be passed on.
    package static let maxRefusalBytes = 1 << 20

    package let output = ByteWriter()
    package private(set) var failure: ExchangeError?
    package private(set) var isStreaming: Bool
    /// What the upstream says against the request: status and body, when it is one of this API's own.
    package var refusal: NativeRefusal? {
        refusedWith > 0 && NativeRefusal.isError(refused) ? NativeRefusal(status: refusedWith, body: refused) : nil
    }

    private let dialect: NativeDialect
    private let requestID: String
    private let maxBytes: Int
    /// What one read brought and the provider has not approved yet.
    private var staged: [UInt8] = []
    /// The beginning of an event whose end has not come.
    private var tail: [UInt8] = []
    private var status = 0
    private var refusedWith = 0
    private var refused: [UInt8] = []
    private var events = 0

    /// `maxBytes`: of a whole answer, and of a single event; more fails.
    package init(_ dialect: NativeDialect, requestID: String, isStreaming: Bool, maxBytes: Int) {
        self.dialect = dialect
        self.requestID = requestID
        self.isStreaming = isStreaming
        self.maxBytes = maxBytes
    }

    // MARK: Bytes

    /// The head of the answer. `isEvents`: its body is a stream, whatever was asked for.
    package func began(status: Int, isEvents: Bool) {
        self.status = status
        if status >= 400 { refusedWith = status } else { isStreaming = isEvents }
        guard (300..<400).contains(status) else { return }
        failure = ExchangeError(
            KIMI_CAT_PROTOCOL,
            "the upstream redirects (status \(status)), which is not followed: configure the address that it means")
    }

    /// What one read brought. It goes down with `commit`.
    package func stage(_ bytes: [UInt8]) { staged = bytes }

    /// The provider has read what was staged, and has nothing against it.
    package func commit() {
        defer { staged = [] }
        if refusedWith > 0 {
            refused.append(contentsOf: staged.prefix(Self.maxRefusalBytes - refused.count))
        } else if isStreaming {
            commitEvents()
        } else if output.count + staged.count > maxBytes {
            failTooLong()
        } else {
            staged.withUnsafeBytes { output.append(bytes: $0) }
        }
    }

    private func commitEvents() {
        let end = EventBoundary.last(in: staged, after: tail)
        if end > 0 {
            emit(tail[...])
            emit(staged[..<end])
            tail = Array(staged[end...])
        } else if tail.count + staged.count > maxBytes {
            failTooLong()
        } else {
            tail.append(contentsOf: staged)
        }
    }

    private func failTooLong() {
        guard failure == nil else { return }
        failure = ExchangeError(
            KIMI_CAT_PROTOCOL, "the upstream sent a single event or body of more than \(maxBytes) bytes",
            code: "upstream_too_large")
    }

    private func emit(_ bytes: ArraySlice<UInt8>) {
        if dialect == .responses { events += SequenceNumber.count(in: bytes, after: events) }
        bytes.withUnsafeBytes { output.append(bytes: $0) }
    }

    // MARK: Events

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            switch kimi_event_type(event.type) {
            case KIMI_EVENT_USAGE: tokens.take(event)
            case KIMI_EVENT_ERROR: if failure == nil { failure = ExchangeError(event) }
            default: break
            }
        }
        return kimi_status(KIMI_OK)
    }

    /// Bytes go down as they are: nothing is put right.
    package var repairs: Repairs { Repairs() }
    package private(set) var tokens = TokenCounts()

    // MARK: Ends

    /// Whether the answer is whole is the provider's to say.
    package var isComplete: Bool { true }

    /// Fails if a whole answer is no JSON object: whatever it is, it is no answer of this API.
    package func complete() throws(ExchangeError) {
        guard isStreaming else { return try checkWhole() }
        defer { tail = [] }
        // The beginning of a line is nothing that a client could read.
        guard LastLine.isWhole(tail) else { return }
        tail.withUnsafeBytes { output.append(bytes: $0) }
    }

    private func checkWhole() throws(ExchangeError) {
        do {
            _ = try output.withBytes { bytes throws(JSONError) in try JSONSpans.members(of: bytes) }
        } catch {
            throw ExchangeError(
                KIMI_CAT_PROTOCOL,
                "the upstream answered with status \(status) and a body that is not a JSON object: \(error.message)")
        }
    }

    /// The upstream's own error event, if that is what came, or one of ours.
    package func abort(_ error: ExchangeError) {
        let sent = output.count
        if failure != nil { commit() }
        guard output.count == sent else { return }
        tail = []
        dialect.writeEvent(error, requestID: requestID, sequence: events, to: output)
    }
}

/// An upstream's answer with status 400 or more, in the client's own dialect.
package struct NativeRefusal: Sendable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// An object with an `error`: the shape that OpenAI and Anthropic share.
    static func isError(_ body: [UInt8]) -> Bool {
        body.withUnsafeBytes { bytes in
            guard let members = try? JSONSpans.members(of: bytes) else { return false }
            return members.contains { $0.key == "error" && $0.kind == .object }
        }
    }
}

/// The Responses API numbers its events.
enum SequenceNumber {
    private static let key = Array("\"sequence_number\":".utf8)

    /// How many events further than `seen` the last numbered event in `bytes` is; 0 if none says.
    static func count(in bytes: ArraySlice<UInt8>, after seen: Int) -> Int {
        guard let start = lastKey(in: bytes) else { return 0 }
        var number = 0
        var digits = 0
        for byte in bytes[start...].drop(while: { $0 == 0x20 }).prefix(while: { (0x30...0x39).contains($0) }) {
            guard digits < 9 else { return 0 }
            number = number * 10 + Int(byte - 0x30)
            digits += 1
        }
        return digits == 0 ? 0 : max(0, number + 1 - seen)
    }

    private static func lastKey(in bytes: ArraySlice<UInt8>) -> Int? {
        var end = bytes.endIndex
        while end - bytes.startIndex >= key.count {
            let start = end - key.count
            if bytes[start] == key[0], bytes[start..<end].elementsEqual(key) { return end }
            end -= 1
        }
        return nil
    }
}
