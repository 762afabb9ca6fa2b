internal import PluginABI
internal import PluginKit
internal import WireJSON

/// The newest usage object: some upstreams send one with every chunk, so it goes on when the choices are finished.
struct UsageStash {
    private var json: [UInt8] = []
    private var event = kimi_event(KIMI_EVENT_USAGE)

    mutating func keep(_ usage: JSONValue) {
        json = usage.json
        let prompt = usage["prompt_tokens_details"] ?? usage["input_tokens_details"]
        let completion = usage["completion_tokens_details"] ?? usage["output_tokens_details"]
        event.i0 = count(usage["prompt_tokens"], usage["input_tokens"])
        event.i1 = count(usage["completion_tokens"], usage["output_tokens"])
        event.i2 = count(prompt?["cached_tokens"], usage["cached_tokens"], usage["prompt_cache_hit_tokens"])
        event.i3 = count(completion?["reasoning_tokens"], usage["reasoning_tokens"])
    }

    /// Emits what was kept since the last time.
    mutating func emit(to workspace: Workspace) {
        guard !json.isEmpty else { return }
        workspace.add(event)
        workspace.attach(.a, copyOf: json)
        json = []
    }

    /// The first of the values that is a count; -1 = unknown.
    private func count(_ values: JSONValue?...) -> Int64 {
        for value in values {
            if let count = value?.int, count >= 0 { return count }
        }
        return -1
    }
}
