import CanonicalModel
import Dialects
import Testing
import WireJSON

@Suite struct AnthropicRequestErrorTests {
    @Test(arguments: [
        (#"{"messages":[{"role":"user","content":"x"}]}"#, "model"),
        (#"{"model":7,"messages":[{"role":"user","content":"x"}]}"#, "model"),
        (#"{"model":"","messages":[{"role":"user","content":"x"}]}"#, "model"),
        (#"{"model":"m"}"#, "messages"), (#"{"model":"m","messages":"hi"}"#, "messages"),
        (#"{"model":"m","messages":null}"#, "messages"), (#"{"model":"m","messages":[]}"#, "messages"),
    ])
    func `the frame`(json: String, path: String) { check(json, path) }

    @Test(arguments: [
        ("5", "messages[0]"), (#"{"content":"x"}"#, "messages[0].role"),
        (#"{"role":"tool","content":"x"}"#, "messages[0].role"), (#"{"role":"user"}"#, "messages[0].content"),
        (#"{"role":"user","content":null}"#, "messages[0].content"),
        (#"{"role":"user","content":{}}"#, "messages[0].content"),
        (#"{"role":"user","content":"x","cache_control":1}"#, "messages[0].cache_control"),
    ])
    func `messages`(message: String, path: String) {
        check(#"{"model":"m","messages":[\#(message)]}"#, path)
    }

    @Test(arguments: [
        (#""text""#, ""), ("{}", ".type"), (#"{"type":1}"#, ".type"), (#"{"type":"text"}"#, ".text"),
        (#"{"type":"text","text":5}"#, ".text"), (#"{"type":"text","text":"x","citations":5}"#, ".citations"),
        (#"{"type":"image"}"#, ".source"), (#"{"type":"image","source":"data:"}"#, ".source"),
        (#"{"type":"image","source":{}}"#, ".source.type"),
        (#"{"type":"image","source":{"type":"url"}}"#, ".source.url"),
        (#"{"type":"image","source":{"type":"base64","data":"x"}}"#, ".source.media_type"),
        (#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":[]}}"#, ".source.data"),
        (#"{"type":"document","source":[]}"#, ".source"),
        (#"{"type":"document","source":{"type":"text"}}"#, ".source.data"),
        (#"{"type":"document","source":{"type":"file"}}"#, ".source.file_id"),
        (#"{"type":"document","source":{"type":"content","content":5}}"#, ".source.content"),
        (#"{"type":"document","source":{"type":"content","content":[{"type":"tool_use"}]}}"#, ".source.content[0]"),
        (#"{"type":"document","source":{"type":"url","url":"u"},"title":1}"#, ".title"),
        (#"{"type":"search_result","title":"t","content":[]}"#, ".source"),
        (#"{"type":"search_result","source":"s","title":"t","content":[{"type":"image"}]}"#, ".content[0]"),
        (#"{"type":"tool_result"}"#, ".tool_use_id"), (#"{"type":"tool_result","tool_use_id":4}"#, ".tool_use_id"),
        (#"{"type":"tool_result","tool_use_id":"t","content":4}"#, ".content"),
        (#"{"type":"tool_result","tool_use_id":"t","content":[4]}"#, ".content[0]"),
        (#"{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":3}]}"#, ".content[0].source"),
        (#"{"type":"tool_result","tool_use_id":"t","is_error":"no"}"#, ".is_error"),
        (#"{"type":"tool_use","id":"t","name":"f","input":{}}"#, ""),
    ])
    func `blocks of the user`(block: String, path: String) {
        check(
            #"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text","text":"y"},\#(block)]}]}"#,
            "messages[1].content[1]" + path)
    }

    @Test(arguments: [
        (#"{"type":"tool_result","tool_use_id":"t"}"#, ""), (#"{"type":"tool_use","name":"f","input":{}}"#, ".id"),
        (#"{"type":"tool_use","id":"t","input":{}}"#, ".name"),
        (#"{"type":"tool_use","id":"t","name":"","input":{}}"#, ".name"),
        (#"{"type":"tool_use","id":"t","name":"f","input":"{}"}"#, ".input"),
        (#"{"type":"tool_use","id":"t","name":"f","input":[]}"#, ".input"),
        (#"{"type":"thinking"}"#, ".thinking"), (#"{"type":"thinking","thinking":"x","signature":1}"#, ".signature"),
        (#"{"type":"redacted_thinking"}"#, ".data"),
    ])
    func `blocks of the assistant`(block: String, path: String) {
        check(
            #"{"model":"m","messages":[{"role":"assistant","content":[\#(block)]}]}"#, "messages[0].content[0]" + path)
    }

    @Test(arguments: [
        (#""system":5"#, "system"), (#""system":[5]"#, "system[0]"), (#""max_tokens":"9""#, "max_tokens"),
        (#""max_tokens":1.5"#, "max_tokens"), (#""max_tokens":-1"#, "max_tokens"),
        (#""temperature":"hot""#, "temperature"), (#""top_p":[]"#, "top_p"), (#""top_k":0.5"#, "top_k"),
        (#""stop_sequences":"x""#, "stop_sequences"), (#""stop_sequences":["a",1]"#, "stop_sequences[1]"),
        (#""stream":"yes""#, "stream"), (#""n":2"#, "n"), (#""metadata":"u""#, "metadata"),
        (#""metadata":{"user_id":5}"#, "metadata.user_id"), (#""service_tier":1"#, "service_tier"),
        (#""thinking":true"#, "thinking"), (#""thinking":{}"#, "thinking.type"),
        (#""thinking":{"type":"enabled"}"#, "thinking.budget_tokens"),
        (#""thinking":{"type":"enabled","budget_tokens":"x"}"#, "thinking.budget_tokens"),
        (#""output_config":[]"#, "output_config"), (#""output_config":{"effort":1}"#, "output_config.effort"),
        (#""output_config":{"format":{"type":"json_schema"}}"#, "output_config.format.schema"),
        (#""output_format":"json""#, "output_format"), (#""cache_control":"x""#, "cache_control"),
        (#""tools":{}"#, "tools"), (#""tools":[1]"#, "tools[0]"), (#""tools":[{"input_schema":{}}]"#, "tools[0].name"),
        (#""tools":[{"name":"a"}]"#, "tools[0].input_schema"),
        (#""tools":[{"name":"a","input_schema":{}},{"name":"b","input_schema":"x"}]"#, "tools[1].input_schema"),
        (#""tools":[{"name":"a","input_schema":{},"description":1}]"#, "tools[0].description"),
        (#""tools":[{"name":"a","input_schema":{},"strict":1}]"#, "tools[0].strict"),
        (#""tools":[{"type":5}]"#, "tools[0].type"), (#""tool_choice":"auto""#, "tool_choice"),
        (#""tool_choice":{"type":"maybe"}"#, "tool_choice.type"),
        (#""tool_choice":{"type":"tool"}"#, "tool_choice.name"),
        (
            #""tool_choice":{"type":"auto","disable_parallel_tool_use":"x"}"#,
            "tool_choice.disable_parallel_tool_use"
        ),
    ])
    func `members`(member: String, path: String) {
        check(#"{"model":"m","messages":[{"role":"user","content":"x"}],\#(member)}"#, path)
    }

    @Test func `the sentence says what is there`() {
        let error = #expect(throws: ExchangeError.self) {
            try decodeMessages(#"{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":"x"}]}]}"#)
        }
        #expect(error?.message == "messages[0].content[0].source: must be an object, it is a string")
    }

    @Test(arguments: [
        "", "{", "[]", "null", "\"x\"", "{\"model\":\"m\",}", "{\"a\":1} x", "{\"a\":1e999}", "{\"a\":\"\u{1}\"}",
    ])
    func `what is no JSON object is refused`(json: String) {
        let error = #expect(throws: ExchangeError.self) { try decodeMessages(json) }
        #expect(error?.httpStatus == 400)
    }

    @Test func `any cut and any flipped byte is an error or a request, never a trap`() throws {
        let json = Array(
            #"{"model":"m","max_tokens":9,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"k1_a_3a","content":[{"type":"image","source":{"type":"base64","media_type":"a","data":"b"}}]},{"type":"text","text":"\u00e9"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"i","name":"n","input":{"a":[1,{}]}}]}],"tools":[{"name":"a","input_schema":{}}],"metadata":{"user_id":"u"}}"#
                .utf8)
        let parser = JSONParser()
        var random = SplitMix(seed: 7)
        for position in json.indices {
            decode(Array(json[..<position]), parser)
            for _ in 0..<8 {
                var bytes = json
                bytes[position] = UInt8(truncatingIfNeeded: random.next())
                decode(bytes, parser)
                bytes[position] = Array(#"{}[]",:01ntf\"#.utf8)[Int(random.next() % 13)]
                decode(bytes, parser)
            }
        }
    }

    /// What is accepted is valid JSON again.
    private func decode(_ bytes: [UInt8], _ parser: JSONParser) {
        bytes.withBytes { buffer in
            guard let request = try? MessagesDecoder.decode(buffer, parser: parser) else { return }
            #expect(throws: Never.self) { try parser.parse(request.json) }
        }
    }

    @Test func `deep nesting is refused or carried, not a trap`() {
        for depth in [100, 500, 600, 100_000] {
            let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            _ = try? decodeMessages(
                #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"name":"a","input_schema":{"x":\#(deep)}}]}"#
            )
        }
    }

    private func check(_ json: String, _ path: String) {
        let error = #expect(throws: ExchangeError.self) { try decodeMessages(json) }
        #expect(error?.httpStatus == 400)
        #expect(error?.param == path)
        #expect(error?.message.hasPrefix("\(path): ") == true)
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
