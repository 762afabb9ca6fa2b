internal import JSONSchema

/// Reads the members of one object of a manifest, naming the path of what is wrong.
struct ManifestReader {
    let node: ConfigNode
    /// What is put before a member's name in messages: "abi.".
    let path: String

    func wrong(_ key: String, _ message: String, _ cure: String) -> PluginManifest.Invalid {
        PluginManifest.Invalid(message: "'\(path)\(key)' \(message)", cure: cure)
    }

    /// A required string that `isWellFormed`, with an example for the cure.
    func string(
        _ key: String, like example: String, where isWellFormed: (String) -> Bool
    ) throws(PluginManifest.Invalid) -> String {
        guard let text = try optionalString(key) else {
            throw wrong(key, "is missing", "add \"\(key)\": \"\(example)\"")
        }
        guard isWellFormed(text) else {
            throw wrong(key, "is \"\(text)\", which is not well formed", "write something like \"\(example)\"")
        }
        return text
    }

    func optionalString(_ key: String) throws(PluginManifest.Invalid) -> String? {
        guard let value = node[key] else { return nil }
        guard let text = value.string else { throw wrong(key, "is \(value.kindName), not a string", "quote it") }
        return text
    }

    func strings(_ key: String) throws(PluginManifest.Invalid) -> [String] {
        guard let value = node[key] else { return [] }
        let texts = value.array?.compactMap(\.string) ?? []
        guard let elements = value.array, elements.count == texts.count else {
            throw wrong(key, "is not a list of strings", "write [\"one\", \"two\"]")
        }
        return texts
    }

    func positiveInteger(_ key: String) throws(PluginManifest.Invalid) -> Int? {
        guard let value = node[key] else { return nil }
        guard let number = value.int, number > 0 else {
            throw wrong(key, "is not a whole number above 0", "write for example 200")
        }
        return Int(number)
    }

    func version(_ key: String) throws(PluginManifest.Invalid) -> ABIVersion {
        let text = try string(key, like: "1.0") { ABIVersion($0) != nil }
        guard let version = ABIVersion(text), version.major == ABIVersion.host.major else {
            throw wrong(key, "is \(text)", "an entry kimi_plugin_entry_v1 belongs to ABI 1")
        }
        return version
    }
}

/// The shapes of the texts in a manifest.
enum ManifestText {
    /// At least two labels: `com.example`, `dev.kimi-host.openai`.
    static func isReverseDNS(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2 && text.utf8.count <= 200 && labels.allSatisfy { isWord($0, extra: "-_") }
    }

    /// Something to be shown on a terminal: no control characters, no marks that turn the text's direction.
    static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
    }

    /// Three numbers and whatever semantic versioning lets follow: `1.0.0`, `1.2.3-rc.1+build`.
    static func isVersion(_ text: String) -> Bool {
        let core = text.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false)
        let rest = text.dropFirst(core.count + 1)
        let areNumbers = numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
        return numbers.count == 3 && areNumbers && text.utf8.count <= 100
            && (core.count == text.count || isWord(rest, extra: ".-+"))
    }

    /// A name for the configuration: lower-case letters, digits, and `-`, `_`, `.` after the first.
    static func isName(_ text: String) -> Bool {
        let isLowerCase = text.utf8.allSatisfy { !(65...90).contains($0) }
        return isLowerCase && text.utf8.count <= 64 && isWord(text[...], extra: "-_.")
    }

    /// `family.kind/revision`: `kimi.provider/1`.
    static func isInterfaceID(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && isReverseDNS(String(parts[0])) && !parts[1].isEmpty
            && parts[1].utf8.allSatisfy { (48...57).contains($0) }
    }

    /// A host name, or `*.` and one; no scheme, port or path. `*` alone is every host.
    static func isHostPattern(_ text: String) -> Bool {
        if text == "*" { return true }
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.allSatisfy { isWord($0, extra: "-_") }
    }

    /// Not empty, begins with an ASCII letter or digit, goes on with those and `extra`.
    private static func isWord(_ text: Substring, extra: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || extra.utf8.contains($0) }
    }
}
