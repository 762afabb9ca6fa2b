/// A step that a plan asked for, checked.
package enum PlannedStep: Sendable {
    /// The upstream request. Providers only, as `token` and `localReply`.
    case send(PlannedRequest)
    /// A side request; its result is handed back.
    case http(PlannedRequest)
    /// The token filed under a key.
    case token(id: UInt32, key: String)
    /// A signature with a key that the host holds.
    case sign(PlannedSignature)
    /// A pause.
    case wait(id: UInt32, milliseconds: Int)
    /// The plugin answers by itself, a tick every so many milliseconds.
    case localReply(milliseconds: Int)
    /// The token that an auth machine has fetched. Auth machines only.
    case grant(TokenGrant)
}

/// What a plan wants signed.
package struct PlannedSignature: Sendable {
    package var id: UInt32 = 0
    /// A JWS name, such as `RS256`.
    package var algorithm = ""
    /// What the configuration got in the key's place.
    package var key = ""
    package var data: [UInt8] = []
}

/// A token and how long it holds. Not printable: a token appears in no log.
package struct TokenGrant: Sendable {
    package var token: [UInt8]
    /// Unix milliseconds.
    package var expiresAt: UInt64
    /// Unix milliseconds from which on a next one may be fetched; nil: the host decides.
    package var refreshAt: UInt64?

    package init(token: [UInt8], expiresAt: UInt64, refreshAt: UInt64? = nil) {
        self.token = token
        self.expiresAt = expiresAt
        self.refreshAt = refreshAt
    }
}

/// An HTTP request of a plan.
package struct PlannedRequest: Sendable {
    package var id: UInt32
    package var method = "POST"
    package var url = ""
    package var headers: [(name: String, value: String)] = []
    /// Positions in `headers` of those whose values appear in no log.
    package var secretHeaders: [Int] = []
    package var body: PlannedBody = .request
    package var isStream = false
}

/// Where a planned request's body comes from.
package enum PlannedBody: Sendable {
    /// The exchange's request as it is.
    case request
    /// The exchange's request with a merge patch.
    case patch([UInt8])
    case bytes([UInt8])
    case none
}
