import Foundation
import Testing
import WireJSON

/// A case of Transcripts/*.json.
struct TestCase: CustomTestStringConvertible, Sendable {
    let name: String
    /// Members as JSON text, as they stand in the file.
    private let members: [String: String]

    var testDescription: String { name }

    static func load(_ file: String) -> [TestCase] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Transcripts")
        guard let text = try? String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8) else {
            return []
        }
        return elements(text).map { entry in
            let members = Self.members(entry)
            return TestCase(name: plain(members["name"] ?? ""), members: members)
        }
    }

    func string(_ name: String) -> String? { members[name].map(Self.plain) }
    func number(_ name: String) -> Int? { members[name].flatMap { Int($0) } }
    func flag(_ name: String) -> Bool { members[name] == "true" }
    func strings(_ name: String) -> [String] { members[name].map(Self.elements)?.map(Self.plain) ?? [] }
    func has(_ name: String) -> Bool { members[name] != nil }

    /// A member as it stands in the file.
    func json(_ name: String) -> String { members[name] ?? "" }

    /// The same with its members sorted, so that equal values have equal texts.
    func sorted(_ name: String) -> String { members[name].map(Self.sorted) ?? "" }

    /// The elements of a list as JSON text; strings without quotes.
    func list(_ name: String) -> [String] { strings(name) }

    func headers(_ name: String) -> [(String, String)] {
        members[name].map(Self.members)?.map { ($0.key, Self.plain($0.value)) } ?? []
    }

    /// Any JSON text with its members sorted.
    static func sorted(_ text: String) -> String {
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)),
            let data = try? JSONSerialization.data(
                withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
        else { return "not JSON: \(text)" }
        return String(decoding: data, as: UTF8.self)
    }

    /// A string's content; other values as they are.
    private static func plain(_ json: String) -> String {
        guard json.hasPrefix("\"") else { return json }
        let parser = JSONParser()
        return withExtendedLifetime(parser) { (try? parser.parse(Array(json.utf8)).string) ?? json }
    }

    private static func elements(_ json: String) -> [String] {
        Array(json.utf8).withUnsafeBytes { bytes in
            ((try? JSONSpans.elements(of: bytes)) ?? []).map { String(decoding: bytes[$0.valueRange], as: UTF8.self) }
        }
    }

    private static func members(_ json: String) -> [String: String] {
        Array(json.utf8).withUnsafeBytes { bytes in
            let list = (try? JSONSpans.members(of: bytes)) ?? []
            let pairs = list.map { ($0.key, String(decoding: bytes[$0.valueRange], as: UTF8.self)) }
            return Dictionary(pairs) { _, last in last }
        }
    }
}
