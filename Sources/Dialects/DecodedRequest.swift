/// A request of some dialect, made canonical.
package struct DecodedRequest: Sendable {
    /// As the client names it.
    package var model: String
    package var wantsStream: Bool
    /// The canonical request (docs/canonical-request.md), with the client's name of the model.
    package var json: [UInt8]
    /// What has no equivalent.
    package var dropped: [DroppedField]

    package init(model: String, wantsStream: Bool, json: [UInt8], dropped: [DroppedField]) {
        self.model = model
        self.wantsStream = wantsStream
        self.json = json
        self.dropped = dropped
    }
}

/// A part of a request that no upstream can be told: its path (`tools[2]`, `context_management`), and why in one clause.
package struct DroppedField: Sendable, Equatable {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}
