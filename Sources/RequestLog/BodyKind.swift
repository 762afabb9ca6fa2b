/// Which body of an exchange; the numbers are in the database.
package enum BodyKind: Int64, Sendable, CaseIterable {
    /// The client's request, as it sent it. Attempt 0.
    case request = 1
    /// What the client got. Attempt 0.
    case reply = 2
    /// What went up in an attempt.
    case upstreamRequest = 3
    /// The upstream's bytes of an attempt.
    case upstreamReply = 4
    /// What a transform did to the request of an attempt. Further ones of the same attempt have the numbers behind it.
    case change = 16

    /// Its name in exports.
    package var name: String {
        switch self {
        case .request: "request"
        case .reply: "reply"
        case .upstreamRequest: "upstream_request"
        case .upstreamReply: "upstream_reply"
        case .change: "change"
        }
    }
}
