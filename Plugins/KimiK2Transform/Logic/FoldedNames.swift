/// What two names may differ in and still be one.
enum NameFolding: Int, CaseIterable {
    /// In case only.
    case letterCase
    /// And in which of `-`, `_`, `.` stands between words.
    case separators
    /// And in whether any does.
    case joints

    /// What is left of `name`.
    func fold(_ name: some StringProtocol) -> String {
        let lower = name.lowercased()
        func isJoint(_ byte: UInt8) -> Bool { byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x20 }
        switch self {
        case .letterCase: return lower
        case .separators: return String(decoding: lower.utf8.map { isJoint($0) ? 0x5F : $0 }, as: UTF8.self)
        case .joints: return String(decoding: lower.utf8.filter { !isJoint($0) }, as: UTF8.self)
        }
    }
}

/// The declared names by what is left of them when they are folded or lose their namespace. Each table is made when
/// the first name needs it: most calls are spelled as declared, and there may be hundreds of tools.
final class FoldedNames {
    private let names: [String]
    private var folded: [NameFolding: [String: [Int]]] = [:]
    private lazy var segments = Dictionary(grouping: names.indices) { Self.lastSegment(names[$0]) }

    init(_ names: [String]) { self.names = names }

    /// Places of the names that are `key` when folded.
    func places(of key: String, _ folding: NameFolding) -> [Int] {
        if let table = folded[folding] { return table[key] ?? [] }
        let table = Dictionary(grouping: names.indices) { folding.fold(names[$0]) }
        folded[folding] = table
        return table[key] ?? []
    }

    /// The one name that is `name` with a namespace before it or without its own: `mcp__web__find` and `find`.
    func namespaced(_ name: String) -> String? {
        let own = Self.lastSegment(name)
        var fitting = (segments[name] ?? []).filter { names[$0] != name }
        for place in segments[own] ?? [] where names[place] == own && !fitting.contains(place) { fitting.append(place) }
        return fitting.count == 1 ? names[fitting[0]] : nil
    }

    /// What follows the last `__`, `.`, `/` or `:`; the whole name if there is none, or nothing follows.
    private static func lastSegment(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x2E || byte == 0x2F || byte == 0x3A || byte == 0x5F && index > 0 && bytes[index - 1] == 0x5F {
                start = index + 1
            }
        }
        return start == bytes.count ? name : String(decoding: bytes[start...], as: UTF8.self)
    }
}
