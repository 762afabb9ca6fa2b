/// What the request's history says about the calls that were made in it.
package struct Conversation: Sendable {
    /// Ids that the client knows calls by, as it sent them: no new call may get one of these.
    package var usedIDs: Set<String>
    /// The number of the next call, counted over the whole conversation from 0.
    package var nextIndex: Int

    package init(usedIDs: Set<String> = [], nextIndex: Int = 0) {
        self.usedIDs = usedIDs
        self.nextIndex = nextIndex
    }
}

/// How calls are called towards the client.
package enum IDStyle: String, Sendable, CaseIterable {
    /// What follows the last colon: `functions.lookup:42` is `42`; a suffix only on collision.
    case short
    /// `functions.NAME:INDEX`, as the model writes it.
    case native
    /// `call_` and 24 random hexadecimal digits.
    case unique
}
