import ConfigYAML
package import JSONSchema

/// The `NAME.yaml` beside a library in plugins.d. Every key is described in docs/plugins/manifest.md.
package struct PluginSidecar: Sendable {
    /// The sidecar's own path, for messages.
    package var file: String
    /// The id that the library's manifest must have.
    package var id: String?
    /// The library, relative to the folder; without it, NAME.so or NAME.dylib.
    package var path: String?
    /// What the library's content must hash to: 64 lower-case hexadecimal digits.
    package var sha256: String?
    /// Laid under each use's own configuration.
    package var config: ConfigNode?
    package var isEnabled: Bool
    /// The plugin runs in processes of its own.
    package var isIsolated: Bool
    /// The interpreter of a plugin in Python; nil: `python3` of the system.
    package var python: String?

    static let keys = ["id", "path", "sha256", "config", "enabled", "isolation", "python"]

    /// Reads a sidecar's text. An unknown key or a value of the wrong kind is an error with its line.
    package init(parsing yaml: String, file: String) throws(PluginLoadError) {
        self.file = file
        let (node, problems) = YAMLReader.read(yaml)
        guard let root = node, problems.isEmpty else {
            throw Self.failure(file, problems.first?.mark, problems.first?.message ?? "is not YAML", "correct the text")
        }
        let reader = Reader(file: file, root: root)
        try reader.checkKeys()
        id = try reader.string("id")
        path = try reader.string("path")
        sha256 = try reader.digest("sha256")
        config = try reader.object("config")
        isEnabled = try reader.bool("enabled") ?? true
        isIsolated = try reader.choice("isolation", ["none", "process"]) == "process"
        python = try reader.string("python")
    }

    fileprivate static func failure(
        _ file: String, _ mark: Mark?, _ message: String, _ cure: String
    ) -> PluginLoadError {
        let line = mark.map { "line \($0.line): " } ?? ""
        return PluginLoadError(file: file, step: .config, message: line + message, cure: cure)
    }

    private struct Reader {
        let file: String
        let root: ConfigNode

        func checkKeys() throws(PluginLoadError) {
            if root.isNull { return }
            guard let object = root.object else {
                throw failure(file, root.mark, "is \(root.kindName), not keys and values", "write 'enabled: true'")
            }
            for member in object.members where !keys.contains(member.key) {
                let hint = Suggestion.clause(for: member.key, among: keys)
                throw failure(
                    file, member.keyMark, "there is no key '\(member.key)'\(hint)",
                    "use \(keys.joined(separator: ", ")); the plugin's own settings go under 'config'")
            }
        }

        func string(_ key: String) throws(PluginLoadError) -> String? {
            guard let node = root[key] else { return nil }
            guard let text = node.string, !text.isEmpty else { throw wrong(key, node, "a string", "put it in quotes") }
            return text
        }

        func digest(_ key: String) throws(PluginLoadError) -> String? {
            guard let text = try string(key)?.lowercased() else { return nil }
            guard text.utf8.count == 64, text.allSatisfy(\.isHexDigit) else {
                throw wrong(key, root[key] ?? root, "64 hexadecimal digits", "copy what 'sha256sum' prints")
            }
            return text
        }

        func object(_ key: String) throws(PluginLoadError) -> ConfigNode? {
            guard let node = root[key], !node.isNull else { return nil }
            guard node.object != nil else { throw wrong(key, node, "keys and values", "indent them below 'config:'") }
            return node
        }

        func choice(_ key: String, _ words: [String]) throws(PluginLoadError) -> String? {
            guard let text = try string(key) else { return nil }
            guard words.contains(text) else {
                let list = words.joined(separator: " or ")
                throw wrong(key, root[key] ?? root, list, "write \(key): \(words.last ?? "")")
            }
            return text
        }

        func bool(_ key: String) throws(PluginLoadError) -> Bool? {
            guard let node = root[key] else { return nil }
            guard let flag = node.bool else { throw wrong(key, node, "true or false", "write true or false") }
            return flag
        }

        private func wrong(_ key: String, _ node: ConfigNode, _ wanted: String, _ cure: String) -> PluginLoadError {
            failure(file, node.mark, "'\(key)' must be \(wanted)", cure)
        }
    }
}
