/// Who may come into the dashboard, by the rules of `/admin/`.
extension AdminRules {
    package struct Visitor: Sendable, Equatable {
        /// Of the client's key; empty: the admin's.
        package let name: String
        package let mayAct: Bool
    }

    /// Nobody but this machine reaches the host, and there are no keys: the printed link opens the dashboard.
    package var isForLinks: Bool { key == nil && isOpen }

    /// Whom one of the offered keys lets in; nil: nobody. With `auth.admin_key` that is its holder alone, otherwise clients
    /// whose key opens everything may look: the log holds the conversations of all.
    package func visitor(offered: [some StringProtocol], _ keys: ClientKeys) -> Visitor? {
        if let key {
            let isAdmin = !offered.map { KeyDigest(of: $0.utf8) }.filter { $0.matches(key) }.isEmpty
            return isAdmin ? Visitor(name: "", mayAct: true) : nil
        }
        guard keys.isRequired, let client = try? keys.find(offered), client.opensEverything else { return nil }
        return Visitor(name: client.name, mayAct: false)
    }

    /// Do these let in the same as those?
    package func isSame(as other: AdminRules) -> Bool {
        guard isOpen == other.isOpen else { return false }
        switch (key, other.key) {
        case (nil, nil): return true
        case (let key?, let other?): return key.matches(other)
        default: return false
        }
    }
}
