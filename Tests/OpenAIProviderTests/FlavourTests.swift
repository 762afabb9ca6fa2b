import OpenAICompatible
import OpenAIProviderLogic
import PluginABI
import Testing

@Suite("Flavours")
struct FlavourTests {
    private func body(
        _ flavour: String, _ json: String, dialect: String = "anthropic.messages", model: String = "m",
        more: String = ""
    ) -> (body: String, notes: [String]) {
        let attempt = Attempt(
            config: #"{"apiKey":"k","baseUrl":"http://h/v1","flavour":"\#(flavour)"\#(more)}"#, stream: false,
            dialect: dialect, json: json, model: model)
        attempt.head(200)
        attempt.events([chunk(#"{"content":"x"}"#)])
        return (attempt.body(of: json), attempt.record.notes)
    }

    @Test(
        "are told by their address",
        arguments: [
            ("https://api.openai.com/v1", Flavour.openai), ("https://EU.api.openai.com", .openai),
            ("https://x.openai.azure.com", .azure), ("https://x.services.ai.azure.com/models", .azure),
            ("https://x.cognitiveservices.azure.com", .azure), ("https://api.moonshot.ai/v1", .moonshot),
            ("https://api.moonshot.cn", .moonshot), ("http://localhost:11434", .ollama),
            ("https://ollama.com/v1", .ollama),
            ("http://localhost:8000/v1", .compatible), ("https://evil-api.openai.com.example", .compatible),
            ("https://notmoonshot.ai", .compatible), ("", .compatible), ("https://", .compatible),
        ])
    func auto(url: String, flavour: Flavour) {
        #expect(Flavour.suited(to: url) == flavour)
    }

    @Test(
        "thinking in each one's words, from every client",
        arguments: [
            ("vllm", "enabled", #","chat_template_kwargs":{"thinking":true,"enable_thinking":true}"#),
            ("sglang", "disabled", #","chat_template_kwargs":{"thinking":false,"enable_thinking":false}"#),
            ("llama.cpp", "adaptive", #","chat_template_kwargs":{"thinking":true,"enable_thinking":true}"#),
            ("ollama", "disabled", #","reasoning_effort":"none""#),
            ("azure", "disabled", ""),
        ])
    func thinking(flavour: String, type: String, expected: String) {
        let json = #"{"messages":[],"thinking":{"type":"\#(type)"}}"#
        #expect(body(flavour, json).body == #"{"messages":[]\#(expected)}"#)
        if flavour != "azure" {
            #expect(body(flavour, json, dialect: "openai.chat").body == #"{"messages":[]\#(expected)}"#)
        }
    }

    @Test("a client's own arguments of the template stay")
    func kwargs() {
        let json = #"{"messages":[],"thinking":{"type":"enabled"},"chat_template_kwargs":{"thinking":false,"x":1}}"#
        #expect(
            body("vllm", json).body
                == #"{"messages":[],"chat_template_kwargs":{"thinking":false,"x":1,"enable_thinking":true}}"#)
    }

    @Test("the answer's bound has the name that the server knows")
    func bound() {
        for flavour in ["vllm", "ollama", "moonshot", "sglang", "llama.cpp"] {
            #expect(
                body(flavour, #"{"messages":[],"max_completion_tokens":5}"#, dialect: "openai.chat").body
                    == #"{"messages":[],"max_tokens":5}"#)
            #expect(
                body(flavour, #"{"max_tokens":4,"max_completion_tokens":5}"#, dialect: "openai.chat").body
                    == #"{"max_tokens":4}"#)
        }
        let untouched = #"{"messages":[{"role":"developer"}],"max_completion_tokens":5}"#
        #expect(body("compatible", untouched, dialect: "openai.chat").body == untouched)
        #expect(body("openai", untouched, dialect: "openai.chat").body == untouched)
        #expect(body("azure", #"{"max_tokens":5}"#).body == #"{"max_completion_tokens":5}"#)
    }

    @Test("Moonshot: newer models get no samplers, and it is told; older ones keep them")
    func samplers() {
        let json = #"{"messages":[{"role":"developer","content":"a"}],"temperature":0.3,"top_p":1,"n":null,"seed":1}"#
        for model in ["kimi-k2.5", "kimi-k2.7-code", "kimi-k3"] {
            let sent = body("moonshot", json, dialect: "openai.chat", model: model)
            #expect(sent.body == #"{"messages":[{"role":"system","content":"a"}],"seed":1}"#)
            #expect(
                sent.notes.map { $0.prefix { $0 != ":" } } == ["dropped 1 temperature", "dropped 1 top_p"])
        }
        for model in ["kimi-k2-0905-preview", "moonshot-v1-8k", "kimi-latest", ""] {
            #expect(body("moonshot", json, dialect: "openai.chat", model: model).body.contains(#""temperature":0.3"#))
        }
        // Moonshot's own members of thinking are a chat client's business.
        let keep = #"{"messages":[],"thinking":{"type":"enabled","keep":"all"}}"#
        #expect(body("moonshot", keep, dialect: "openai.chat").body == keep)
    }

    @Test("llama.cpp: the choice of a tool is a word, and only that tool is offered")
    func toolWord() {
        let json = #"""
            {"tools":[{"function":{"name":"a"}}, {"function":{"name":"b"}}],"tool_choice":{"type":"function","function":{"name":"b"}}}
            """#
        let expected = #"{"tools":[{"function":{"name":"b"}}],"tool_choice":"required"}"#
        #expect(body("llama.cpp", json).body == expected)
        #expect(body("llama.cpp", json, dialect: "openai.chat").body == expected)
        let unknown =
            #"{"tools":[{"function":{"name":"a"}}],"tool_choice":{"type":"function","function":{"name":"b"}}}"#
        #expect(body("llama.cpp", unknown).body == "{}")
    }

    @Test("each choice can be made by config")
    func canonical() {
        func sent(_ canonical: String, _ json: String) -> String {
            body("compatible", json, more: #","canonical":{\#(canonical)}"#).body
        }
        #expect(
            sent(#""developer":true"#, #"{"messages":[{"role":"developer"}]}"#)
                == #"{"messages":[{"role":"developer"}]}"#)
        #expect(sent(#""top_k":false"#, #"{"a":1,"top_k":1}"#) == #"{"a":1}"#)
        #expect(
            sent(#""thinking":"effort""#, #"{"thinking":{"type":"enabled","budget_tokens":1}}"#)
                == #"{"reasoning_effort":"low"}"#)
        #expect(
            sent(#""thinking":"keep""#, #"{"thinking":{"type":"adaptive"}}"#) == #"{"thinking":{"type":"adaptive"}}"#)
        #expect(sent(#""max_tokens":"max_completion_tokens""#, #"{"max_tokens":1}"#) == #"{"max_completion_tokens":1}"#)
        #expect(
            sent(#""reasoning":false"#, #"{"messages":[{"role":"assistant","reasoning_content":"a"}]}"#)
                == #"{"messages":[{"role":"assistant"}]}"#)
        let part = #"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_url":"u"}}]}]}"#
        #expect(sent(#""document_url":"keep""#, part) == part)
        let cached = #"{"messages":[{"role":"user","content":"a","cache_control":{}}]}"#
        #expect(sent(#""cache_control":true"#, cached) == cached)
    }
}
