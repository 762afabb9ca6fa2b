/// A request of some dialect, made canonical.
package struct DecodedRequest: Sendable {
    /// As the client names it.
    package var model: String
    package var wantsStream: Bool
    /// The canonical request (docs/canonical-request.md), model as the client's.
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

/// A field of a client's request that no upstream can be told.
package struct DroppedField: Sendable, Equatable {
    /// Such as `tools[2]` or `context_management`.
    package let path: String
    /// One short clause.
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}
