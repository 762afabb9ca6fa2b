import CanonicalModel
import PluginABI

/// How the host cuts an upstream's body before a provider sees it.
package typealias PluginFraming = PluginManifest.Frames

/// One request as plugins get it.
package struct PluginRequest: Sendable {
    /// Canonical request; transforms replace it. The client's own when native.
    package var json: [UInt8]
    package let model: String
    package let exchangeID: String
    package let dialect: String
    /// The same for all turns of one conversation; empty: not known.
    package let conversation: String
    package let wantsStream: Bool
    /// `json` is the client's own body, and the answer goes down as it comes (KIMI_REQUEST_NATIVE).
    package let isNative: Bool
    /// From 1.
    package let attempt: Int
    /// Unix milliseconds after which the host gives up; 0: never.
    package var deadlineMs: UInt64

    package init(
        json: [UInt8], model: String, exchangeID: String, dialect: String, conversation: String = "",
        wantsStream: Bool, isNative: Bool = false, attempt: Int, deadlineMs: UInt64 = 0
    ) {
        self.deadlineMs = deadlineMs
        self.json = json
        self.model = model
        self.exchangeID = exchangeID
        self.dialect = dialect
        self.conversation = conversation
        self.wantsStream = wantsStream
        self.isNative = isNative
        self.attempt = attempt
    }

    /// Calls `body` with the ABI's view, valid during the call only.
    func withABI<Result>(_ body: (UnsafePointer<kimi_request>) -> Result) -> Result {
        var model = model, id = exchangeID, dialect = dialect, conversation = conversation
        return json.withUnsafeBytes { json in
            model.withUTF8 { model in
                id.withUTF8 { id in
                    dialect.withUTF8 { dialect in
                        conversation.withUTF8 { conversation in
                            withUnsafePointer(to: request(json, model, id, dialect, conversation), body)
                        }
                    }
                }
            }
        }
    }

    private func request(
        _ json: UnsafeRawBufferPointer, _ model: UnsafeBufferPointer<UInt8>, _ id: UnsafeBufferPointer<UInt8>,
        _ dialect: UnsafeBufferPointer<UInt8>, _ conversation: UnsafeBufferPointer<UInt8>
    ) -> kimi_request {
        kimi_request(
            struct_size: UInt32(MemoryLayout<kimi_request>.size),
            flags: flags, json: kimi_bytes(json),
            model: kimi_bytes(UnsafeRawBufferPointer(model)), exchange_id: kimi_bytes(UnsafeRawBufferPointer(id)),
            dialect: kimi_bytes(UnsafeRawBufferPointer(dialect)),
            conversation: kimi_bytes(UnsafeRawBufferPointer(conversation)), attempt: UInt64(attempt),
            deadline_ms: deadlineMs)
    }

    var flags: UInt32 {
        (wantsStream ? KIMI_REQUEST_STREAM.rawValue : 0) | (isNative ? KIMI_REQUEST_NATIVE.rawValue : 0)
    }
}
