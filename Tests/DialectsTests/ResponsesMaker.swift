import CanonicalModel
import Dialects
import PluginABI
import WireJSON

/// A small generator of numbers that can be repeated.
struct Dice {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// From 0 up to `bound`, exclusive.
    mutating func roll(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }

    mutating func pick<T>(_ list: [T]) -> T { list[roll(list.count)] }
}

/// Random replies that keep rule S11.
struct ResponsesMaker {
    private var dice: Dice
    private var steps: [Step] = [.start(id: "chatcmpl-1", model: "up/model")]
    private var calls: UInt32 = 0

    static let words = ["", "Hello", " wörld\n", "\"q\" \\ /", "日本語", "\u{1F600}", "{\"input\":", "\u{1}", "a\tb"]
    static let tools = [
        "lookup", "apply_patch_free", "apply_patch", "local_shell", "shell", "tool_search", "crm__find",
    ]

    /// The table that the tools above need.
    static var context: ResponsesContext {
        get throws(ExchangeError) {
            let body = Array(
                #"{"model":"k2","input":"x","tools":[{"type":"function","name":"lookup"},{"type":"custom","name":"apply_patch_free"},{"type":"apply_patch"},{"type":"local_shell"},{"type":"shell"},{"type":"tool_search","execution":"client"},{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]}]}"#
                    .utf8)
            return try body.withBytes { bytes throws(ExchangeError) in
                try ResponsesDecoder().decode(bytes, parser: JSONParser()).context
            }
        }
    }

    init(seed: UInt64) { dice = Dice(seed) }

    mutating func make() -> [Step] {
        for _ in 0..<dice.roll(12) { addOne() }
        steps.append(.finish(dice.pick(["stop", "tool_calls", "length", "content_filter", "eos"])))
        if dice.roll(3) > 0 { steps.append(.usage("", 10, Int64(dice.roll(9)), 4, 2)) }
        return steps
    }

    private mutating func addOne() {
        switch dice.roll(9) {
        case 0, 1: for _ in 0...dice.roll(3) { steps.append(.text(dice.pick(Self.words))) }
        case 2, 3: for _ in 0...dice.roll(3) { steps.append(.reasoning(dice.pick(Self.words))) }
        case 4: steps.append(.signature("sig\(dice.roll(9))", text: dice.pick(Self.words)))
        case 5, 6: addCall()
        case 7: steps.append(dice.pick(Self.members))
        default: steps.append(.part(dice.pick(Self.parts)))
        }
    }

    private static let members: [Step] = [
        .json(KIMI_SCOPE_MESSAGE, "refusal", #""no""#), .json(KIMI_SCOPE_MESSAGE, "refusal", "null"),
        .json(KIMI_SCOPE_MESSAGE, "reasoning_details", #"[{"type":"reasoning.encrypted","data":"x"}]"#),
        .json(KIMI_SCOPE_MESSAGE, "tool_call_extras", #"[{"index":0,"extra_content":{"google":1}}]"#),
        .json(KIMI_SCOPE_MESSAGE, "thinking_blocks", #"[{"type":"redacted_thinking","data":"r"}]"#),
        .json(KIMI_SCOPE_MESSAGE, "encrypted_content", #""gAAA""#),
        .json(KIMI_SCOPE_MESSAGE, "annotations", #"[{"type":"url_citation","url_citation":{"url":"u","title":"t"}}]"#),
        .json(KIMI_SCOPE_CHOICE, "logprobs", #"{"content":[{"token":"a","logprob":-1,"bytes":null}]}"#),
        .json(KIMI_SCOPE_RESPONSE, "system_fingerprint", #""fp""#),
        .json(KIMI_SCOPE_RESPONSE, "status", #""mine""#), .json(KIMI_SCOPE_MESSAGE, "odd", "{}"),
    ]

    private static let parts = [
        #"{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}"#,
        #"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#, #"{"type":"audio"}"#,
    ]

    private static let arguments = [
        [#"{"input":"*** Begin"#, #" Patch\n+\"x\""#, #"\ud83d\ude00"}"#],
        [#"{"type":"create_file","path":"a","diff":"+x"}"#],
        [#"{"command":["ls","-l"],"timeout_ms":5}"#], [#"{"commands":"ls"}"#], ["{}"], [], ["not json"], [#"{"a":"#],
        ["{\"inp", "ut\":\"a"],
    ]

    private mutating func addCall() {
        let id = dice.roll(4) == 0 ? "" : "c\(calls)"
        steps.append(.begin(calls, id: id, name: dice.pick(Self.tools)))
        for piece in dice.pick(Self.arguments) {
            steps.append(.arguments(calls, piece))
            if dice.roll(5) == 0 { steps.append(.text("between")) }
            if dice.roll(5) == 0 { steps.append(.reasoning("meanwhile")) }
            if dice.roll(9) == 0 { steps.append(dice.pick(Self.members)) }
        }
        steps.append(.end(calls))
        calls += 1
    }
}
