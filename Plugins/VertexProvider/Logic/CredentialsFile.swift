internal import PluginABI
internal import PluginKit
internal import WireJSON

/// A credentials file's object, whose mistakes are named by its members.
struct CredentialsFile {
    private let object: JSONValue
    private let path: String

    init(_ object: JSONValue, path: String = "credentials") {
        self.object = object
        self.path = path
    }

    /// For a sentence: where a member stands.
    func name(_ member: String) -> String {
        "'\(member)' of \(path) (provider_config, or the variable GOOGLE_APPLICATION_CREDENTIALS)"
    }

    func lacks(_ member: String) -> PluginFailure {
        .config("\(name(member)) is missing or empty; use a complete credentials file.")
    }

    func text(_ member: String) -> String? {
        object.member(member)?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    func required(_ member: String) throws(PluginFailure) -> String {
        guard let text = text(member) else { throw lacks(member) }
        return text
    }

    func number(_ member: String) -> Int64? { object.member(member)?.int }

    func has(_ member: String) -> Bool { object.member(member).map { !$0.isNull } ?? false }

    /// An http or https URL.
    func url(_ member: String) throws(PluginFailure) -> String? {
        guard let text = text(member) else { return nil }
        let lower = text.lowercased()
        let isURL = ["https://", "http://"].contains { lower.hasPrefix($0) && lower.count > $0.count }
        guard isURL, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .config("\(name(member)) is '\(excerpt(text))'; it must be an https URL.")
        }
        return text
    }

    func texts(_ member: String) -> [String] {
        object.member(member)?.elements.compactMap(\.string) ?? []
    }

    func object(_ member: String) -> CredentialsFile? {
        object.member(member).flatMap { $0.isObject ? CredentialsFile($0, path: "\(path).\(member)") : nil }
    }

    /// The members that are strings, in order.
    func pairs(_ member: String) -> [(String, String)] {
        var pairs: [(String, String)] = []
        object.member(member)?.forEachMember { name, value in
            if let text = value.string { pairs.append((String(decoding: name, as: UTF8.self), text)) }
        }
        return pairs
    }

    private func excerpt(_ text: String) -> String { String(text.prefix(100)) }
}
