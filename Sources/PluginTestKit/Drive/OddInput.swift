import CanonicalModel
import JSONSchema
import PluginABI

/// Input that no upstream should send, and some do.
enum OddInput {
    private static let deep = [UInt8](repeating: 0x5B, count: 100_000)

    private static var oddBytes: [(String, [UInt8])] {
        [
            ("no bytes", []), ("one NUL", [0]), ("bytes that are no UTF-8", [0xFF, 0xFE, 0xC3, 0x28, 0x80]),
            ("half a code point", [0xF0, 0x9F]), ("100,000 open brackets", deep),
            ("a string of 10 MB", [0x22] + [UInt8](repeating: 0x78, count: 10 << 20) + [0x22]),
            ("half an object", Array(#"{"choices":[{"delta":{"content":"a"#.utf8)), ("null", Array("null".utf8)),
            ("a number", Array("1e999".utf8)), ("a list", Array("[[],{},null]".utf8)),
            (
                "members of wrong kinds",
                Array(#"{"id":7,"choices":{"a":1},"usage":"many","error":[1],"model":null,"type":9}"#.utf8)
            ),
            (
                "choices of wrong kinds",
                Array(#"{"choices":[null,7,{"index":-1,"delta":7},{"index":1e30,"delta":{"tool_calls":{}}}]}"#.utf8)
            ),
            ("the end", Array("[DONE]".utf8)),
        ]
    }

    /// The script with each odd frame in front, in the middle and alone; and frames of kinds that 1.0 does not know.
    static func frames(_ script: Script) -> [Script] {
        guard !script.frames.isEmpty else { return [] }
        let frames = Array(script.frames.joined())
        let kind = kimi_frame_kind(frames.first?.kind ?? KIMI_FRAME_RAW.rawValue)
        var variants: [Script] = []
        for (name, bytes) in oddBytes {
            let odd = Frame(kind, bytes)
            for (place, stream) in [
                ("in front", [odd] + frames), ("in the middle", insert(odd, frames)), ("alone", [odd]),
            ] { variants.append(variant(script, "\(name) \(place)") { $0.frames = stream.map { [$0] } }) }
        }
        var unknown = Frame(kind, Array("?".utf8))
        (unknown.kind, unknown.flags) = (99, 0x8000)
        variants.append(
            variant(script, "a frame of an unknown kind") { $0.frames = insert(unknown, frames).map { [$0] } })
        return variants
    }

    private static func insert(_ odd: Frame, _ frames: [Frame]) -> [Frame] {
        Array(frames.prefix(frames.count / 2)) + [odd] + Array(frames.dropFirst(frames.count / 2))
    }

    /// Texts of odd bytes, events of unknown types, and what comes out of order.
    static func events(_ script: Script) -> [Script] {
        let events = Array(script.events.joined())
        var variants: [Script] = []
        for (name, bytes) in oddBytes {
            for kind in [KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_ARGS, KIMI_EVENT_USAGE] {
                var odd = Event(kind)
                odd.a = bytes
                var stream = events
                stream.insert(odd, at: stream.count / 2)
                variants.append(variant(script, "\(odd.word): \(name)") { $0.events = stream.map { [$0] } })
            }
        }
        var unknown = Event(type: 31)
        (unknown.a, unknown.flags, unknown.index) = (Array("?".utf8), 7, .max)
        variants.append(variant(script, "an event of an unknown type") { $0.events = [[unknown]] + script.events })
        variants.append(variant(script, "backwards") { $0.events = events.reversed().map { [$0] } })
        variants.append(variant(script, "twice") { $0.events = script.events + script.events })
        variants.append(
            variant(script, "far choices") { script in
                script.events = events.map { event in
                    var event = event
                    (event.choice, event.index) = (.max, .max)
                    return [event]
                }
            })
        return variants
    }

    private static func variant(_ script: Script, _ name: String, _ change: (inout Script) -> Void) -> Script {
        var variant = script
        variant.name += ", " + name
        variant.checksOrder = script.events.isEmpty
        change(&variant)
        return variant
    }

    /// One random change of frames, events or the request, that keeps JSON JSON.
    static func mutated(_ script: Script, _ number: Int, _ random: inout SplitMix) -> Script {
        variant(script, "mutation \(number)") { script in
            for _ in 0..<Int.random(in: 1...4, using: &random) { Mutation.apply(&script, &random) }
        }
    }
}
