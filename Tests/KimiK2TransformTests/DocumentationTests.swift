import FoundationEssentials
import KimiK2TransformLogic
import Testing
import WireJSON

private enum Documents {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let areThere = FileManager.default.fileExists(atPath: root.appending(path: "docs").path)
}

/// A package of symbolic links, made to try things out, may have no documents.
@Suite("What can be configured is documented", .enabled(if: Documents.areThere))
struct DocumentationTests {
    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: Documents.root.appending(path: path)), as: UTF8.self)
    }

    private func keys(_ path: [String]) -> [String] {
        withJSON(Array(KimiK2Transform.manifest.description.utf8)) { manifest in
            var object = manifest
            for name in path { object = object.member(name) ?? object }
            return object.members.map { String(decoding: $0.key, as: UTF8.self) }
        } ?? []
    }

    @Test("every key has its row with values and default") func everyKey() throws {
        let (page, example) = (try text("docs/kimi-k2-transform.md"), try text("model-config.example.yaml"))
        let keys = keys(["config_schema", "properties"])
        #expect(keys.count > 10)
        for key in keys {
            let row = page.split(separator: "\n").first { $0.hasPrefix("| `\(key)` |") }
            #expect(row?.split(separator: "|", omittingEmptySubsequences: false).count == 6, "\(key)")
            if key != "maxHeldThinkingBytes" { #expect(example.contains("          \(key): "), "\(key)") }
        }
    }

    @Test("every repair and flag is explained, and every repair is a switch") func everyWord() throws {
        let page = try text("docs/kimi-k2-transform.md")
        for word in Repair.allCases.map(\.word) + Flag.allCases.map(\.rawValue) {
            #expect(page.contains("`\(word)`"), "\(word)")
        }
        let switches = keys(["config_schema", "properties", "repairs", "properties"])
        #expect(Set(switches) == Set(Repair.allCases.map(\.word)))
    }
}
