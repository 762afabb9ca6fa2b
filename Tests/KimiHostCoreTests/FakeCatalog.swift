import JSONSchema
import KimiHostCore
import Testing

/// Plugins with schemas like the real ones, without libraries.
struct FakeCatalog: PluginCatalog {
    var providers: [PluginDescription] = []
    var transforms: [PluginDescription] = []

    func provider(named name: String) -> PluginDescription? { providers.first { $0.name == name } }
    func transform(named name: String) -> PluginDescription? { transforms.first { $0.name == name } }
    var providerNames: [String] { providers.map(\.name) }
    var transformNames: [String] { transforms.map(\.name) }

    static func standard() throws -> FakeCatalog {
        let openai = """
            {"type":"object","required":["apiKey","baseUrl"],"additionalProperties":false,"properties":{
              "apiKey":{"type":"string","minLength":1,"x-secret":true,"x-env":"OPENAI_API_KEY"},
              "baseUrl":{"type":"string","pattern":"^https?://","x-host":true,"x-env":"OPENAI_BASE_URL"},
              "headers":{"type":"object","additionalProperties":{"type":"string"}}}}
            """
        let openrouter = """
            {"type":"object","required":["apiKey"],"additionalProperties":false,"properties":{
              "apiKey":{"type":"string","x-secret":true,"x-env":"OPENROUTER_API_KEY"},
              "baseUrl":{"type":"string"},
              "order":{"type":"array","items":{"type":"string"},"x-env":"OPENROUTER_ORDER"},
              "allowFallbacks":{"type":"boolean","x-env":"OPENROUTER_ALLOW_FALLBACKS"}}}
            """
        let anthropic = """
            {"type":"object","anyOf":[{"required":["apiKey"]},{"required":["authToken"]}],
             "additionalProperties":false,"properties":{
              "apiKey":{"type":"string","x-secret":true,"x-env":"ANTHROPIC_API_KEY","x-env-unless":["authToken"]},
              "authToken":{"type":"string","x-secret":true,"x-env":"ANTHROPIC_AUTH_TOKEN","x-env-unless":["apiKey"]},
              "promptCaching":{"type":"string"}}}
            """
        // Of the real plugin's keys those that the example names; the plugin's own tests check their values.
        let keys = [
            "family", "startsInThinking", "ids", "reasoningPlaceholder", "placeholderText", "toolChoice", "schemas",
            "maxTools", "samplers", "repairs", "maxHeldThinkingBytes",
        ]
        let named = keys.map { #""\#($0)":{}"# }.joined(separator: ",")
        let kimi =
            #"{"type":"object","additionalProperties":false,"properties":{"thinking":{"type":"boolean"},\#(named)}}"#
        return FakeCatalog(
            providers: [
                try plugin("openai", openai), try plugin("openrouter", openrouter), try plugin("anthropic", anthropic),
                PluginDescription(id: "dev.kimi-host.vertex", name: "vertex", file: "libVertexProvider.so"),
                try plugin("demo", #"{"type":"object","additionalProperties":false}"#),
            ],
            transforms: [try plugin("kimi-k2", kimi)])
    }

    static func plugin(_ name: String, _ schema: String, base: String? = nil) throws -> PluginDescription {
        let node = try ConfigNode(parsingJSON: schema)
        return PluginDescription(
            id: "dev.kimi-host.\(name)", name: name, file: "lib\(name).so", schema: try JSONSchema(node),
            schemaNode: node, baseConfig: try base.map { try ConfigNode(parsingJSON: $0) })
    }
}

/// Loads YAML as `c.yaml` against the fake catalog.
func load(
    _ yaml: String, _ environment: [String: String] = [:], catalog: FakeCatalog? = nil
) throws -> ConfigLoader.Outcome {
    let catalog = try catalog ?? FakeCatalog.standard()
    return ConfigLoader(environment: Environment(environment), catalog: catalog).load(yaml: yaml, file: "c.yaml")
}

/// What `load` made of it; fails the test if it was refused.
func config(
    _ yaml: String, _ environment: [String: String] = [:], catalog: FakeCatalog? = nil
) throws -> HostConfig {
    let outcome = try load(yaml, environment, catalog: catalog)
    return try #require(outcome.config, "\(outcome.diagnostics)")
}
