import CanonicalModel
import Enforcement
import PluginABI

/// Canonical events with texts of their own, and what a turn hands on of them, as words.
struct Script {
    struct Line {
        var type: kimi_event_type
        var index: UInt32 = 0
        var a = ""
        var b = ""
        var i0: Int64 = 0
        var i1: Int64 = 0
    }

    var lines: [Line] = []

    static func start() -> Line { Line(type: KIMI_EVENT_START, a: "id", b: "model") }
    static func text(_ text: String) -> Line { Line(type: KIMI_EVENT_TEXT, a: text) }
    static func thought(_ text: String, signature: String = "") -> Line {
        Line(type: KIMI_EVENT_REASONING, a: text, b: signature)
    }
    static func begin(_ index: UInt32, _ name: String, id: String = "") -> Line {
        Line(type: KIMI_EVENT_TOOL_BEGIN, index: index, a: id, b: name)
    }
    static func arguments(_ index: UInt32, _ json: String) -> Line {
        Line(type: KIMI_EVENT_TOOL_ARGS, index: index, a: json)
    }
    static func end(_ index: UInt32) -> Line { Line(type: KIMI_EVENT_TOOL_END, index: index) }
    static func finish(_ reason: String, _ word: String = "") -> Line {
        Line(type: KIMI_EVENT_FINISH, a: reason, b: word)
    }
    static func usage(_ json: String, _ input: Int64, _ output: Int64) -> Line {
        Line(type: KIMI_EVENT_USAGE, a: json, i0: input, i1: output)
    }
    static func member(_ name: String, _ json: String) -> Line {
        Line(type: KIMI_EVENT_JSON, a: json, b: name, i0: Int64(KIMI_SCOPE_MESSAGE.rawValue))
    }
    /// A whole call.
    static func call(_ index: UInt32, _ name: String, _ json: String, id: String = "") -> [Line] {
        [begin(index, name, id: id), arguments(index, json), end(index)]
    }
}

extension EnforcedTurn {
    /// Takes events; what goes on is appended to `out`, a line each.
    mutating func take(_ lines: [Script.Line], into out: inout [String]) {
        for line in lines {
            var (a, b) = (line.a, line.b)
            a.withUTF8 { a in
                b.withUTF8 { b in
                    var event = kimi_event()
                    event.type = line.type.rawValue
                    event.index = line.index
                    event.a = kimi_bytes(UnsafeRawBufferPointer(a))
                    event.b = kimi_bytes(UnsafeRawBufferPointer(b))
                    (event.i0, event.i1, event.i2, event.i3) = (line.i0, line.i1, -1, -1)
                    var made: [String] = []
                    let passes = take(event) { made.append(Self.described($0)) }
                    out += made
                    if passes { out.append(Self.described(event)) }
                }
            }
        }
    }

    mutating func finished(into out: inout [String]) { finish { out.append(Self.described($0)) } }

    private static func described(_ event: CanonicalEvent) -> String {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: "start"
        case KIMI_EVENT_TEXT: "text " + event.a.text
        case KIMI_EVENT_REASONING: "thought " + event.a.text
        case KIMI_EVENT_TOOL_BEGIN: "begin \(event.index) " + event.b.text
        case KIMI_EVENT_TOOL_ARGS: "args \(event.index) " + event.a.text
        case KIMI_EVENT_TOOL_END: "end \(event.index)"
        case KIMI_EVENT_FINISH: "finish \(event.a.text) \(event.b.text)"
        case KIMI_EVENT_USAGE: "usage \(event.a.text) \(event.i0) \(event.i1)"
        default: "json \(event.b.text) \(event.a.text)"
        }
    }
}

/// All text of such lines.
func texts(_ lines: [String], _ kind: String = "text ") -> String {
    lines.filter { $0.hasPrefix(kind) }.map { $0.dropFirst(kind.count) }.joined()
}
