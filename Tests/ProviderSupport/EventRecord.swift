import PluginABI
import PluginKit

/// Events as lines of text, with a check of rule S11.
final class EventRecord {
    private(set) var lines: [String] = []
    private(set) var violations: [String] = []
    var batches = 0
    /// What the plugin told of the exchange, as kind, count and detail.
    var notes: [String] = []
    /// Gets each event too.
    var tap: ((kimi_event) -> Void)?
    /// Answers KIMI_STOP after so many events.
    var stopAfter = Int.max

    private var isStarted = false
    private var isFailed = false
    private var open: [UInt32: UInt32] = [:]
    private var nextCall: [UInt32: UInt32] = [:]
    private var finished: Set<UInt32> = []

    func take(_ event: kimi_event) -> kimi_status {
        if lines.count >= stopAfter { return KIMI_STOP.rawValue }
        check(event)
        tap?(event)
        lines.append(describe(event))
        return 0
    }

    /// The lines with neighbouring pieces of the same text joined.
    var joined: [String] {
        lines.reduce(into: []) { result, line in
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            if ["TEXT", "REASONING", "ARGS"].contains(words[0]), words.count == 3, !line.hasSuffix("»"),
                let last = result.last, last.hasPrefix("\(words[0]) \(words[1]) "), !last.hasSuffix("»")
            {
                result[result.count - 1] = last + words[2]
            } else {
                result.append(line)
            }
        }
    }

    private func describe(_ event: kimi_event) -> String {
        let (a, b) = (event.a.text, event.b.text)
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: return "START \(a) \(b) \(event.i0)"
        case KIMI_EVENT_TEXT: return "TEXT \(event.choice) \(a)"
        case KIMI_EVENT_REASONING: return "REASONING \(event.choice) \(a)" + (b.isEmpty ? "" : " signed «\(b)»")
        case KIMI_EVENT_TOOL_BEGIN: return "BEGIN \(event.choice).\(event.index) \(a) \(b)"
        case KIMI_EVENT_TOOL_ARGS: return "ARGS \(event.choice).\(event.index) \(a)"
        case KIMI_EVENT_TOOL_END: return "END \(event.choice).\(event.index)"
        case KIMI_EVENT_PART: return "PART \(event.choice) \(a)"
        case KIMI_EVENT_USAGE: return "USAGE \(event.i0) \(event.i1) \(event.i2) \(event.i3) \(a)"
        case KIMI_EVENT_FINISH: return "FINISH \(event.choice) \(a) (\(b))"
        case KIMI_EVENT_ERROR: return "ERROR \(event.i0) \(event.i1) \(event.i2) [\(b)] \(a)"
        case KIMI_EVENT_JSON: return "JSON \(event.i0) \(event.choice) \(b)=\(a)"
        default: return "? \(event.type)"
        }
    }

    private func check(_ event: kimi_event) {
        func rule(_ holds: Bool, _ sentence: String) {
            if !holds { violations.append("\(sentence): \(describe(event))") }
        }
        let type = kimi_event_type(event.type)
        rule(!isFailed, "after ERROR")
        if type == KIMI_EVENT_START { rule(!isStarted, "second START") }
        if type == KIMI_EVENT_START { isStarted = true }
        if type == KIMI_EVENT_ERROR { return isFailed = true }
        rule(isStarted, "before START")
        if type == KIMI_EVENT_START || type == KIMI_EVENT_USAGE || (type == KIMI_EVENT_JSON && event.i0 == 0) { return }
        rule(!finished.contains(event.choice), "after FINISH")
        let isOpen = open[event.choice] == event.index
        switch type {
        case KIMI_EVENT_TOOL_BEGIN:
            rule(open[event.choice] == nil, "call still open")
            rule(event.index == nextCall[event.choice, default: 0], "not dense")
            open[event.choice] = event.index
            nextCall[event.choice] = event.index + 1
        case KIMI_EVENT_TOOL_ARGS: rule(isOpen, "not open")
        case KIMI_EVENT_TOOL_END:
            rule(isOpen, "not open")
            open[event.choice] = nil
        case KIMI_EVENT_FINISH:
            rule(open[event.choice] == nil, "call still open")
            finished.insert(event.choice)
        default: break
        }
    }
}

extension kimi_event_type {
    init(_ raw: UInt32) { self.init(rawValue: raw) }
}
