import JSONSchema
import OpenAIProviderLogic
import OpenRouterProviderLogic
import Testing

@Suite("Configurations are checked by name")
struct ManifestTests {
    private static func check(_ manifest: StaticString, _ config: String) throws -> [String] {
        let root = try ConfigNode(parsingJSON: manifest.description)
        let schema = try JSONSchema(try #require(root["config_schema"]))
        return schema.validate(try ConfigNode(parsingJSON: config), at: .root).map { "\($0.path) \($0.message)" }
    }

    @Test(
        "openai",
        arguments: [
            (#"{"apiKey":"k"}"#, ""), (#"{"apiKey":""}"#, ""), (#"{"baseUrl":"http://localhost:8000"}"#, ""),
            ("{}", "apiKey is missing; add it, or set the environment variable OPENAI_API_KEY"),
            (#"{"baseUrl":"https://api.moonshot.ai"}"#, "apiKey is missing; add it, or set"),
            (#"{"apiKey":"k","flavour":"vlm"}"#, "flavour"), (#"{"apiKey":"k","canonical":{"x":1}}"#, "canonical.x"),
            (#"{"apiKey":"k","extra_headers":{"A":null,"B":"b"},"extra_body":{"/a":null}}"#, ""),
            (#"{"apiKey":"k","extra_headers":{"A":1}}"#, "extra_headers.A"), (#"{"apiKey":"k","api":"chats"}"#, "api"),
        ])
    func openAI(config: String, says: String) throws {
        let found = try Self.check(OpenAIProvider.manifest, config)
        #expect(says.isEmpty ? found.isEmpty : found.count == 1 && found[0].contains(says), "\(found)")
    }

    @Test(
        "openrouter",
        arguments: [
            (
                #"""
                {"apiKey":"k","provider":{"order":["a"],"only":["a"],"ignore":["b"],"allow_fallbacks":true,"sort":"price",
                "quantizations":["fp8"],"max_price":{"prompt":1,"completion":"2"},"data_collection":"deny",
                "require_parameters":true,"zdr":true,"enforce_distillable_text":false,
                "preferred_min_throughput":{"p90":5},"preferred_max_latency":3}}
                """#, ""
            ),
            (#"{"apiKey":"k","provider":{"sort":{"by":"latency","partition":"none"}}}"#, ""),
            ("{}", "OPENROUTER_API_KEY"), (#"{"apiKey":"k","provider":{"sort":"cheap"}}"#, "provider.sort"),
            (#"{"apiKey":"k","provider":{"sort":{"bye":1}}}"#, "provider.sort.bye"),
            (#"{"apiKey":"k","provider":{"orders":[]}}"#, "provider.orders"),
            (#"{"apiKey":"k","provider":{"quantizations":["fp9"]}}"#, "provider.quantizations[0]"),
            (#"{"apiKey":"k","provider":{"max_price":{"promt":1}}}"#, "provider.max_price.promt"),
            (#"{"apiKey":"k","allow_fallbacks":"maybe"}"#, "allow_fallbacks"), (#"{"apiKey":"k","sort":"x"}"#, "sort"),
            (#"{"apiKey":"k","shortcut":"a b"}"#, "shortcut"), (#"{"apiKey":"k","route":"x"}"#, "route"),
        ])
    func openRouter(config: String, says: String) throws {
        let found = try Self.check(OpenRouterProvider.manifest, config)
        #expect(says.isEmpty ? found.isEmpty : found.count == 1 && found[0].contains(says), "\(found)")
    }
}
