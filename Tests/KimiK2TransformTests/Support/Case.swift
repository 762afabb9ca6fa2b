import FoundationEssentials
import KimiK2TransformLogic
import WireJSON

/// One example with its right answers, in the format of `kimi-formats.md` §5.
struct Case: CustomStringConvertible, Sendable {
    struct Call: Sendable {
        var name: String
        var arguments: String
    }

    struct Expectation: Sendable {
        var content: String
        var thinking: String
        var calls: [Call]
        var finishReason: String
    }

    var name: String
    var model: String
    var isStream: Bool
    var pieces: [String]
    var channel: TextChannel
    var tools: [DeclaredTool]
    var startsInThinking: Bool?
    var upstreamReason: String
    var accepted: [Expectation]
    var isDebatable: Bool
    var ignoresBlanks: Bool
    /// Compare byte for byte, without trimming.
    var isExact: Bool

    var description: String { name }
    var input: String { pieces.joined() }

    /// The options that the plugin would choose, told only the model's name.
    var options: NormaliserOptions {
        KimiK2Config().options(modelName: model == "k2" ? "kimi-k2" : "kimi-\(model)", asksForThought: nil)
    }

    /// All cases of a file.
    static func load(_ path: String) throws -> [Case] {
        let data = [UInt8](try Data(contentsOf: URL(filePath: path)))
        return withJSON(data) { $0.elements.map(Case.init) } ?? []
    }

    /// The project's own cases.
    static let own: [Case] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Cases").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().flatMap { (try? load("\(folder)/\($0)")) ?? [] }
    }()

    /// The shared sample vectors, if they are beside the package.
    static let shared: [Case] = (try? load("\(sharedVectors)/kimi-vectors.json")) ?? []

    static let sharedVectors = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/vectors").path

    init(_ json: JSONValue) {
        name = json["name"]?.string ?? "?"
        model = json["model"]?.string ?? "k2"
        isStream = json["mode"]?.string == "stream"
        pieces = json["input"]?.string.map { [$0] } ?? json["input"]?.elements.compactMap(\.string) ?? []
        channel = json["field"] == nil ? .content : .reasoning
        tools = Case.tools(json)
        startsInThinking = json["starts_in_thinking"]?.bool
        upstreamReason = json["upstream_finish_reason"]?.string ?? "stop"
        accepted = [json["expect"]].compactMap { $0.map(Expectation.init) }
        accepted += json["alternatives"]?.elements.map(Expectation.init) ?? []
        isDebatable = json["debatable"]?.bool ?? false
        ignoresBlanks = json["compare"]?.string == "nows"
        isExact = json["compare"]?.string == "exact"
    }

    static func tools(_ json: JSONValue) -> [DeclaredTool] {
        json["tools"]?.elements.compactMap(\.string).map { name in
            let schema = json["tool_schemas"]?.member(name)
            return DeclaredTool(
                name: name,
                properties: schema?["properties"].map { $0.members.map { String(decoding: $0.key, as: UTF8.self) } },
                required: schema?["required"]?.elements.compactMap(\.string) ?? [],
                parameters: schema?.json ?? [])
        } ?? []
    }
}

extension Case.Expectation {
    init(_ json: JSONValue) {
        content = json["content"]?.string ?? ""
        thinking = json["thinking"]?.string ?? ""
        finishReason = json["finish_reason"]?.string ?? ""
        calls =
            json["tool_calls"]?.elements.map {
                Case.Call(name: $0["name"]?.string ?? "", arguments: $0["arguments"]?.string ?? "")
            } ?? []
    }
}
