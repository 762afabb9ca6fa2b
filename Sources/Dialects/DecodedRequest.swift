/// A request of some dialect, made canonical.
package struct DecodedRequest: Sendable {
    package var model: String  // as the client names it
    package var wantsStream: Bool
    package var json: [UInt8]  // the canonical request (docs/canonical-request.md), model as the client's
    package var dropped: [DroppedField]  // what has no equivalent: path ("tools[2]", "context_management"), reason (one short clause)

    package init(model: String, wantsStream: Bool, json: [UInt8], dropped: [DroppedField]) {
        self.model = model
        self.wantsStream = wantsStream
        self.json = json
        self.dropped = dropped
    }
}
package struct DroppedField: Sendable, Equatable {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}
