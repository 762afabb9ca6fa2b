import AnthropicProviderLogic
import PluginABI
import PluginKit
import Testing
import WireJSON

@Suite("Configuration, address and headers")
struct PlanTests {
    @Test(
        "the base URL, with or without what belongs behind it",
        arguments: [
            ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
            ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
            ("https://api.moonshot.ai/anthropic", "https://api.moonshot.ai/anthropic/v1/messages"),
            ("https://openrouter.ai/api/v1/messages", "https://openrouter.ai/api/v1/messages"),
            ("HTTP://h:1?k=v", "HTTP://h:1/v1/messages?k=v"),
        ])
    func urls(_ base: String, _ url: String) {
        let attempt = Attempt(config: #"{"apiKey":"k","baseUrl":"\#(base)"}"#)
        #expect(attempt.plan.values(KIMI_FIELD_URL) == [url])
        let count = Attempt(
            config: #"{"apiKey":"k","baseUrl":"\#(base)"}"#, dialect: "anthropic.count_tokens",
            flags: KIMI_REQUEST_NATIVE.rawValue)
        let parts = url.split(separator: "?")
        #expect(count.plan.values(KIMI_FIELD_URL) == [parts[0] + "/count_tokens" + (parts.count > 1 ? "?k=v" : "")])
    }

    @Test("a key goes up as x-api-key, a token as a bearer's, and the key goes before it")
    func keys() {
        func secrets(_ config: String) -> [String] { Attempt(config: config).plan.values(KIMI_FIELD_SECRET_HEADER) }
        #expect(secrets(#"{"apiKey":"k"}"#) == ["x-api-key: k"])
        #expect(secrets(#"{"authToken":"t"}"#) == ["Authorization: Bearer t"])
        #expect(secrets(#"{"apiKey":"k","authToken":"t"}"#) == ["x-api-key: k"])
        #expect(secrets(#"{"apiKey":"","authToken":"t"}"#) == ["Authorization: Bearer t"])
        #expect(secrets(#"{"apiKey":"","headers":{"a":"1"},"extra_headers":{"b":"2"}}"#) == ["a: 1", "b: 2"])
        #expect(
            Attempt(config: #"{"apiKey":"k","authToken":"t"}"#).log.lines
                == ["2 apiKey and authToken are both set; the apiKey is used."])
    }

    @Test("the headers of a streamed request and of a whole one")
    func headers() {
        let attempt = Attempt(config: #"{"apiKey":"k","version":"2024-01-01","betas":["a","b"]}"#)
        #expect(
            attempt.plan.values(KIMI_FIELD_HEADER) == [
                "Content-Type: application/json", "Accept: text/event-stream", "anthropic-version: 2024-01-01",
                "anthropic-beta: a,b",
            ])
        #expect(attempt.plan.steps.map(\.argument) == [UInt64(KIMI_SEND_STREAM.rawValue)])
        let whole = Attempt(stream: false)
        #expect(whole.plan.values(KIMI_FIELD_HEADER)[1] == "Accept: application/json")
        #expect(whole.plan.values(KIMI_FIELD_HEADER)[2] == "anthropic-version: 2023-06-01")
    }

    @Test(
        "mistakes in the configuration",
        arguments: [
            ("{", "The provider_config is not JSON:"),
            (#"{"baseUrl":"ftp://x"}"#, "baseUrl is 'ftp://x'; it must be an address"),
            (#"{"extra_body":{"/tools/0/x":1}}"#, "extra_body: '/tools/0/x' points into a list; give the whole list."),
            (#"{"extra_body":{"/a~2":1}}"#, "extra_body: '/a~2' has a '~' that is neither ~0 nor ~1."),
            (#"{"extra_body":{"a":1,"/a/b":1}}"#, "extra_body: '/a/b' lies inside another of its values."),
            (#"{"extra_body":{"/a/b":1,"a":1}}"#, "extra_body: 'a' is given twice"),
        ])
    func mistakes(_ config: String, _ sentence: String) {
        let attempt = Attempt(config: config)
        #expect(attempt.status == KIMI_E_CONFIG.rawValue)
        #expect(attempt.failure.message.hasPrefix(sentence), "\(attempt.failure.message)")
    }

    // MARK: The native route

    private func native(
        _ json: String, config: String = #"{"apiKey":"k"}"#, dialect: String = "anthropic.messages"
    ) -> Attempt {
        Attempt(config: config, dialect: dialect, json: json, flags: KIMI_REQUEST_NATIVE.rawValue)
    }

    @Test("native: the client's body goes up untouched")
    func untouched() {
        let attempt = native(#"{"model":"m","messages":[{"role":"user","content":"x"}],"unknown":1}"#)
        #expect(attempt.plan.values(KIMI_FIELD_BODY) == [])
        #expect(attempt.plan.values(KIMI_FIELD_BODY_PATCH) == [])
        #expect(attempt.plan.values(KIMI_FIELD_URL) == ["https://api.anthropic.com/v1/messages"])
    }

    @Test("native: betas become the header, and the configuration's members are patched in")
    func patched() {
        let json = #"{"model":"m","anthropic_beta":["c-1","a"]}"#
        let attempt = native(json, config: #"{"apiKey":"k","betas":["a"]}"#)
        #expect(attempt.plan.values(KIMI_FIELD_BODY_PATCH) == [#"{"anthropic_beta":null}"#])
        #expect(attempt.plan.values(KIMI_FIELD_HEADER).last == "anthropic-beta: a,c-1")
        let config = #"{"apiKey":"k","promptCaching":"5m","extra_body":{"speed":"fast"}}"#
        #expect(
            native(json, config: config).plan.values(KIMI_FIELD_BODY_PATCH)
                == [#"{"anthropic_beta":null,"cache_control":{"type":"ephemeral"},"speed":"fast"}"#])
        #expect(
            native(json, config: config, dialect: "anthropic.count_tokens").plan.values(KIMI_FIELD_BODY_PATCH)
                == [#"{"anthropic_beta":null}"#])
        #expect(
            native(#"{"cache_control":null}"#, config: #"{"apiKey":"k","promptCaching":"5m"}"#).plan
                .values(KIMI_FIELD_BODY_PATCH) == [])
    }

    @Test("native: what this instance does not serve so is said to be unsupported")
    func unsupported() {
        #expect(native("{}", dialect: "openai.chat").status == KIMI_E_UNSUPPORTED.rawValue)
        #expect(native("{}", config: #"{"apiKey":"k","native":false}"#).status == KIMI_E_UNSUPPORTED.rawValue)
        #expect(Attempt(dialect: "anthropic.count_tokens").status == KIMI_E_UNSUPPORTED.rawValue)
        #expect(native("{").status == KIMI_E_ARG.rawValue)
    }

    @Test("the manifest is JSON, and says of each member what it is")
    func manifest() throws {
        let parser = JSONParser()
        let root = try parser.parse(Array(AnthropicProvider.manifest.description.utf8))
        #expect(root["provides"]?[index: 0]?["name"]?.string == "anthropic")
        #expect(root["config_schema"]?["additionalProperties"]?.bool == false)
        for (name, schema) in try #require(root["config_schema"]?["properties"]).members {
            #expect(schema["description"]?.string?.hasSuffix(".") == true, "\(String(decoding: name, as: UTF8.self))")
        }
        withExtendedLifetime(parser) {}
    }
}
