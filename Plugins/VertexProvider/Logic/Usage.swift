internal import PluginABI
internal import PluginKit
internal import WireJSON

/// The newest `usageMetadata`: it comes with every chunk, and counts up.
struct Usage {
    private var json: [UInt8] = []
    private var event = kimi_event(KIMI_EVENT_USAGE)

    var isKnown: Bool { !json.isEmpty }

    mutating func keep(_ usage: JSONSpan) {
        func count(_ name: StaticString) -> Int64? { usage[name]?.integer.flatMap { $0 >= 0 ? $0 : nil } }
        func sum(_ first: Int64?, _ second: Int64?) -> Int64 {
            guard first != nil || second != nil else { return -1 }
            let (total, overflows) = (first ?? 0).addingReportingOverflow(second ?? 0)
            return overflows ? -1 : total
        }
        json = Array(usage.raw)
        // What the upstream's own tools read counts as input; thoughts are not among the candidates' tokens.
        event.i0 = sum(count("promptTokenCount"), count("toolUsePromptTokenCount"))
        event.i1 = sum(count("candidatesTokenCount"), count("thoughtsTokenCount"))
        event.i2 = count("cachedContentTokenCount") ?? -1
        event.i3 = count("thoughtsTokenCount") ?? -1
    }

    func emit(to batch: EventBatch) {
        if isKnown { batch.add(event, a: json) }
    }
}
