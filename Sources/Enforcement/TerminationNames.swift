/// Which calls end the task instead of going to the client: `done`, `final`, and names that are numbers, as Kimi makes
/// them up. What the client has a tool for is the client's.
package struct TerminationNames: Sendable, Equatable {
    /// Lower case.
    private let own: Set<String>

    /// - Parameter own: names of the client's tools.
    package init(own: some Sequence<String>) {
        self.own = Set(own.map { $0.lowercased() })
    }

    /// Has the client a tool with the name of the host's?
    package var hasOwnTool: Bool { own.contains(Wording.tool) }

    /// Does a call of that name end the task?
    package func end(_ name: String) -> Bool {
        let name = name.lowercased()
        guard !own.contains(name) else { return false }
        let bare = name.hasPrefix("functions.") ? String(name.dropFirst(10)) : name
        guard !own.contains(bare) else { return false }
        return bare == Wording.tool || bare == "final" || Self.isNumber(bare)
    }

    private static func isNumber(_ name: String) -> Bool {
        var digits = name[...]
        if digits.hasPrefix("call") { digits = digits.dropFirst(4) }
        if digits.hasPrefix("_"), digits.count < name.count { digits = digits.dropFirst() }
        return !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
