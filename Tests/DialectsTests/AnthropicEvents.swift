import CanonicalModel
import PluginABI

/// Several events in one batch, with storage of their own.
struct EventBatch {
    private var events: [(event: kimi_event, a: [UInt8], b: [UInt8])] = []

    mutating func add(
        _ type: kimi_event_type, _ a: String = "", _ b: String = "", index: UInt32 = 0, choice: UInt32 = 0,
        numbers: (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
    ) {
        var event = kimi_event()
        event.type = type.rawValue
        event.index = index
        event.choice = choice
        (event.i0, event.i1, event.i2, event.i3) = numbers
        events.append((event, Array(a.utf8), Array(b.utf8)))
    }

    /// Hands over all events, in batches whose sizes `size` tells.
    func send(to receiver: any EventReceiver, size: () -> Int) -> kimi_status {
        var position = 0
        while position < events.count {
            let end = min(events.count, position + max(1, size()))
            let status = Self.send(events[position..<end], to: receiver)
            if status != kimi_status(KIMI_OK) { return status }
            position = end
        }
        return kimi_status(KIMI_OK)
    }

    private static func send(
        _ slice: ArraySlice<(event: kimi_event, a: [UInt8], b: [UInt8])>, to receiver: any EventReceiver
    ) -> kimi_status {
        // One block of bytes that outlives the call; events point into it.
        let bytes = slice.flatMap { $0.a + $0.b }
        return bytes.withUnsafeBytes { bytes in
            var offset = 0
            func next(_ count: Int) -> kimi_bytes {
                defer { offset += count }
                return kimi_bytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
            }
            let events = slice.map { item in
                var event = item.event
                event.a = next(item.a.count)
                event.b = next(item.b.count)
                return event
            }
            return events.withUnsafeBufferPointer { receiver.receive($0) }
        }
    }
}

/// Legal sequences of canonical events, at random, with all that upstreams and plugins may send.
struct RandomEvents {
    private var random: SplitMix
    private var batch = EventBatch()
    private var calls: UInt32 = 0
    private(set) var text = ""
    private(set) var thinking = ""
    private(set) var arguments: [String] = []

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    mutating func make() -> EventBatch {
        batch.add(KIMI_EVENT_START, pick(["chatcmpl-1", "", "m\"1"]), "model-x")
        if chance(3) { usage() }
        for _ in 0..<Int.random(in: 0...12, using: &random) { step() }
        batch.add(
            KIMI_EVENT_FINISH, pick(["stop", "length", "tool_calls", "content_filter", "odd"]),
            pick(["", "end_turn", "stop", "pause_turn", "refusal"]))
        if chance(2) { usage() }
        return batch
    }

    private mutating func step() {
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1: say()
        case 2, 3: think()
        case 4, 5: call()
        case 6: other()
        default: usage()
        }
    }

    private mutating func say() {
        let piece = pick(["", "a", "wörld\n", "\"quoted\" \\", "\u{1F600}\u{0}\u{2028}"])
        text += piece
        batch.add(KIMI_EVENT_TEXT, piece)
    }

    private mutating func think() {
        let piece = pick(["", "hm", "so\t", "é"])
        thinking += piece
        batch.add(KIMI_EVENT_REASONING, piece, pick(["", "", "c2ln", "sig\"2"]))
    }

    private mutating func call() {
        let whole = pick([
            "", "{}", #"{"a":1}"#, #" {"a":[true,null,-1.5e3,"x\u00e9\n"],"b":{}} "#, #"{"a":"#, #"{"a":1}}"#, "[1]",
            #""text""#, #""""#, "null", "nonsense", #"{"a" 1}"#, "{\"a\":\"\n\"}", #"{"w":"wörld \"q\" 😀"}"#,
        ])
        arguments.append(whole)
        batch.add(KIMI_EVENT_TOOL_BEGIN, pick(["toolu_1", "", "functions.f:0", "k1_x", "ü"]), "f", index: calls)
        var rest = Array(whole.unicodeScalars)[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...4, using: &random)
            var piece = ""
            for scalar in rest.prefix(count) { piece.unicodeScalars.append(scalar) }
            rest = rest.dropFirst(count)
            batch.add(KIMI_EVENT_TOOL_ARGS, piece, index: calls)
            if chance(12) { say() }
            if chance(12) { think() }
            if chance(20) { other() }
        }
        batch.add(KIMI_EVENT_TOOL_END, index: calls)
        calls += 1
    }

    private mutating func other() {
        let message = Int64(KIMI_SCOPE_MESSAGE.rawValue)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: batch.add(KIMI_EVENT_PART, #"{"type":"redacted_thinking","data":"RA=="}"#)
        case 1: batch.add(KIMI_EVENT_PART, #"{"type":"native","native":{"type":"container_upload","file_id":"f"}}"#)
        case 2: batch.add(KIMI_EVENT_PART, #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}"#)
        case 3:
            batch.add(
                KIMI_EVENT_PART,
                "{\"type\":\"server_tool_use\",\n\"id\":\"s\",\"name\":\"web_search\",\"input\":{\"query\":\"x\"}}")
        case 4: batch.add(KIMI_EVENT_PART, #"{"type":"from_the_future"}"#)
        case 5: batch.add(KIMI_EVENT_PART, "")
        case 6:
            batch.add(
                KIMI_EVENT_JSON, #"[{"type":"reasoning.encrypted","data":"E"},{}]"#, "reasoning_details",
                numbers: (message, 0, 0, 0))
        case 7: batch.add(KIMI_EVENT_JSON, #"{"a":1}"#, "annotations", numbers: (message, 0, 0, 0))
        default: batch.add(KIMI_EVENT_JSON, #""fp""#, "system_fingerprint")
        }
    }

    private mutating func usage() {
        batch.add(
            KIMI_EVENT_USAGE,
            pick([
                "", #"{"prompt_tokens":10}"#,
                "{\"input_tokens\":5,\n\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":2,\"service_tier\":\"standard\"}",
            ]),
            numbers: (pick([-1, 10]), pick([-1, 7]), pick([-1, 3, 99]), pick([-1, 2])))
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
}
