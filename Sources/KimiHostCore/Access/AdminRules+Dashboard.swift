/// Who may come into the dashboard. It shows the conversations of all clients, so a client's key opens it never
/// (docs/decisions/0015-a-clients-key-shows-nothing-of-others.md).
extension AdminRules {
    /// What lets somebody in.
    package enum Way: Sendable, Equatable {
        /// The key `auth.admin_key`.
        case key
        /// The link that is printed at the start: only this machine reaches the host.
        case link
        /// Nothing does: others reach the host, and there is no admin's key.
        case none
    }

    package var way: Way {
        if key != nil { return .key }
        return isLocal ? .link : .none
    }

    /// Is one of the offered keys the admin's?
    package func isAdmin(offered: [some StringProtocol]) -> Bool {
        guard let key else { return false }
        // All of them are looked at, so that the time tells nothing.
        return !offered.map { KeyDigest(of: $0.utf8) }.filter { $0.matches(key) }.isEmpty
    }

    /// Do these let in the same as those?
    package func isSame(as other: AdminRules) -> Bool {
        guard isOpen == other.isOpen, isLocal == other.isLocal else { return false }
        switch (key, other.key) {
        case (nil, nil): return true
        case (let key?, let other?): return key.matches(other)
        default: return false
        }
    }
}
