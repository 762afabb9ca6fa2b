import JSONSchema

extension HostConfig {
    /// The page at `/`.
    package struct Dashboard: Sendable, Equatable {
        package var isEnabled = true
        /// No actions, whoever asks.
        package var isReadOnly = false
        /// Names, beside addresses and `localhost`, that lead here.
        package var hosts: [String] = []

        package init() {}

        /// Values of the wrong kind are skipped: the schema has said so.
        mutating func read(_ node: ConfigNode?) {
            if let enabled = node?["enabled"]?.bool { isEnabled = enabled }
            if let readOnly = node?["read_only"]?.bool { isReadOnly = readOnly }
            if let names = node?["hosts"]?.array { hosts = names.compactMap(\.string) }
        }
    }
}
