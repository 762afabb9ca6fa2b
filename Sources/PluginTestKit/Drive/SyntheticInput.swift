import CanonicalModel
import JSONSchema
import PluginABI
import PluginHost

/// Exchanges made up by the kit, for plugins without transcripts and beside them.
enum SyntheticInput {
    static let request = RequestInput(
        json: Array(
            #"""
            {"model":"kit-model","stream":true,"temperature":0.5,"x_unknown":{"a":[1,2]},"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Grüße, what is 6 × 7? \ud83d\ude00"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"lookup","arguments":"{\"term\":\"6*7\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"42"}],"tools":[{"type":"function","function":{"name":"lookup","description":"Looks a term up.","parameters":{"type":"object","properties":{"term":{"type":"string"}},"required":["term"]}}}]}
            """#.utf8), model: "kit-model")

    private static func event(_ kind: kimi_event_type, _ change: (inout Event) -> Void) -> Event {
        var event = Event(kind)
        change(&event)
        return event
    }

    private static var start: Event {
        event(KIMI_EVENT_START) {
            ($0.a, $0.b, $0.i0) = (Array("resp_1".utf8), Array("kit-model".utf8), 1_760_000_000)
        }
    }

    private static func finish(_ reason: String, choice: UInt32 = 0) -> Event {
        event(KIMI_EVENT_FINISH) { ($0.a, $0.b, $0.choice) = (Array(reason.utf8), Array(reason.utf8), choice) }
    }

    private static var usage: Event {
        event(KIMI_EVENT_USAGE) {
            ($0.a, $0.i0, $0.i1) = (Array(#"{"prompt_tokens":12,"completion_tokens":7}"#.utf8), 12, 7)
            ($0.i2, $0.i3) = (0, -1)
        }
    }

    private static func call(_ index: UInt32, _ name: String, _ pieces: [String]) -> [Event] {
        let begin = event(KIMI_EVENT_TOOL_BEGIN) {
            ($0.a, $0.b, $0.index) = (Array("call_\(index)".utf8), Array(name.utf8), index)
        }
        let arguments = pieces.map { Event.text(KIMI_EVENT_TOOL_ARGS, $0, index: index) }
        return [begin] + arguments + [event(KIMI_EVENT_TOOL_END) { $0.index = index }]
    }

    private static func texts(_ kind: kimi_event_type, _ pieces: [String], choice: UInt32 = 0) -> [Event] {
        pieces.map { Event.text(kind, $0, choice: choice) }
    }

    /// Streams in order, as a provider would emit them.
    static func transformScripts() -> [Script] {
        let answer = texts(
            KIMI_EVENT_TEXT, ["The ", "answer ", "is 42. ", "Grüße ", "😀 aus ", "Köln.\n", "```\nx < y\n```"])
        let thought = texts(KIMI_EVENT_REASONING, ["Let me ", "think: 6 × 7", " is 42."])
        let member = event(KIMI_EVENT_JSON) {
            ($0.a, $0.b) = (Array(#""fp_1""#.utf8), Array("system_fingerprint".utf8))
        }
        let streams: [(String, [Event])] = [
            ("made-up text", [start] + answer + [finish("stop"), usage]),
            ("made-up thought", [start, member] + thought + answer + [finish("stop"), usage]),
            (
                "made-up calls",
                [start] + texts(KIMI_EVENT_TEXT, ["I look it up."])
                    + call(0, "lookup", [#"{"te"#, #"rm":"6"#, #"*7"}"#])
                    + call(1, "lookup", ["{}"]) + [finish("tool_calls"), usage]
            ),
            (
                "made-up choices",
                [start] + texts(KIMI_EVENT_TEXT, ["one "]) + texts(KIMI_EVENT_TEXT, ["two "], choice: 1)
                    + texts(KIMI_EVENT_TEXT, ["more"]) + [finish("stop"), finish("length", choice: 1), usage]
            ),
            ("made-up error", [start] + texts(KIMI_EVENT_TEXT, ["The ans"]) + [error]),
            ("made-up empty answer", [start, finish("stop")]),
        ]
        return streams.map { name, events in
            var script = Script(name: name, request: request)
            script.events = events.map { [$0] }
            return script
        }
    }

    private static var error: Event {
        event(KIMI_EVENT_ERROR) {
            ($0.a, $0.i0, $0.i1) = (Array("the upstream is overloaded".utf8), Int64(KIMI_CAT_OVERLOADED.rawValue), 503)
            $0.i2 = -1
        }
    }

    /// Bodies without meaning to a provider: it may fail, and must do that well.
    static func providerScripts(_ framing: PluginManifest.Frames) -> [Script] {
        let bodies = [
            ("made-up empty objects", "data: {}\n\ndata: {\"a\":1}\n\ndata: [DONE]\n\n"),
            ("made-up words", "data: hello\n\nevent: ping\ndata: {}\n\n"), ("made-up nothing", ""),
        ]
        return bodies.map { name, body in
            var script = Script(name: name, request: request)
            script.head.headers = [("content-type", "text/event-stream")]
            script.head.body = Array(body.utf8)
            script.frames = Framing.frames(script.head, framing, isStream: true).map { [$0] }
            return script
        }
    }
}
