import Foundation
import JSONSchema
import KimiHostCore
import Testing

/// The files that are published with the code say what the code does.
@Suite struct ConfigFilesTests {
    /// A file of the repository.
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func thePublishedSchemaIsTheOneInTheCode() throws {
        #expect(try text("docs/model-config.schema.json") == ConfigSchema.text)
        _ = try ConfigSchema.compiled()
    }

    @Test func theExampleIsGoodWithAndWithoutKeys() throws {
        let yaml = try text("model-config.example.yaml")
        #expect(try load(yaml).config?.routes.map(\.modelName) == ["demo"])
        let keys = [
            "OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "https://x", "OPENROUTER_API_KEY": "b", "MOONSHOT_API_KEY": "c",
            "ANTHROPIC_API_KEY": "d",
        ]
        let outcome = try load(yaml, keys)
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.config?.routes.count == 5)
    }

    @Test func theExampleAndTheDocumentationNameEveryKey() throws {
        let schema = try ConfigNode(parsingJSON: ConfigSchema.text)
        let example = try text("model-config.example.yaml")
        let documentation = try text("docs/configuration.md")
        for key in Self.propertyNames(schema) {
            #expect(example.contains("\(key):"), "\(key) is not in the example")
            #expect(documentation.contains(key), "\(key) is not documented")
        }
    }

    @Test func theCommentedDefaultsOfTheExampleAreTheSchemasAndTheCodes() throws {
        let yaml = try text("model-config.example.yaml").split(separator: "\n", omittingEmptySubsequences: false)
        let sections = [
            "server:", "limits:", "timeouts:", "routing:", "dialects:", "responses:", "plugins:", "log:",
            "dashboard:", "logging:", "tracing:",
        ]
        var isInside = false
        let uncommented = yaml.map { line -> String in
            guard line.hasPrefix("# ") else { return String(line) }
            let body = String(line.dropFirst(2))
            if sections.contains(body) { isInside = true }
            return isInside && (sections.contains(body) || body.hasPrefix("  ")) ? body : String(line)
        }
        let config = try config(uncommented.joined(separator: "\n"))
        let standard = HostConfig()
        #expect(uncommented.contains("timeouts:"))
        #expect(config.server == standard.server && config.limits == standard.limits)
        #expect(config.timeouts == standard.timeouts && config.logging == standard.logging)
        #expect(config.routing == standard.routing && config.plugins == standard.plugins)
        var log = standard.log
        (log.isPathChosen, log.spoolPath) = (true, log.path + "-spool")
        #expect(config.log == log && config.dashboard == standard.dashboard)
        var tracing = standard.tracing
        tracing.endpoint = "http://127.0.0.1:4318/v1/traces"
        #expect(config.tracing == tracing)
        let schema = try ConfigNode(parsingJSON: ConfigSchema.text)["properties"]
        let limits = schema?["limits"]?["properties"]
        #expect(limits?["max_body_bytes"]?["default"]?.int == Int64(standard.limits.maxBodyBytes))
        #expect(limits?["max_response_bytes"]?["default"]?.int == Int64(standard.limits.maxResponseBytes))
        #expect(schema?["server"]?["properties"]?["port"]?["default"]?.int == Int64(standard.server.port))
    }

    @Test func aDotEnvFileLiesBeneathTheRealEnvironment() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kimi-host-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("A=file\nB=file\nnonsense\n".utf8).write(to: folder.appending(path: ".env"))
        let (environment, diagnostics) = Environment(["A": "real"]).loadingDotEnv(directory: folder.path)
        #expect(environment == Environment(["A": "real", "B": "file"]))
        #expect(diagnostics.map(\.line) == [3] && diagnostics.map(\.severity) == [.warning])
    }

    private static func propertyNames(_ node: ConfigNode) -> Set<String> {
        switch node.value {
        case .object(let object):
            let own = object["properties"]?.object?.keys ?? []
            return object.members.reduce(into: Set(own)) { $0.formUnion(propertyNames($1.value)) }
        case .array(let elements): return elements.reduce(into: []) { $0.formUnion(propertyNames($1)) }
        default: return []
        }
    }
}
