import CanonicalModel
import PluginABI
import WireJSON

/// Token counts in Anthropic's sense: `input_tokens` are those that no cache had a part in.
struct MessageUsage {
    private var input: Int64 = -1
    private var output: Int64 = -1
    private var cacheRead: Int64 = -1
    private var cacheCreation: Int64 = -1
    private var thinking: Int64 = -1
    /// Members of an Anthropic upstream's own usage, as they came.
    private var others: [(name: StaticString, json: [UInt8])] = []

    /// Counts are cumulative: what is known replaces what was.
    mutating func take(_ event: CanonicalEvent) {
        Self.set(&output, event.i1)
        Self.set(&cacheRead, event.i2)
        Self.set(&thinking, event.i3)
        if takeNative(event.a.buffer) { return }
        if event.i0 >= 0 { input = max(0, event.i0 - min(event.i0, max(0, cacheRead))) }
    }

    private static func set(_ count: inout Int64, _ value: Int64?) {
        if let value, value >= 0 { count = value }
    }

    /// False unless the JSON is a usage object of Anthropic's shape with the input's count.
    private mutating func takeNative(_ json: UnsafeRawBufferPointer) -> Bool {
        guard !json.isEmpty, String(validating: json, as: UTF8.self) != nil, let outline = try? JSONOutline(json) else {
            return false
        }
        defer { withExtendedLifetime(outline) {} }
        let root = outline.root
        let isNative = root["cache_read_input_tokens"] != nil || root["cache_creation_input_tokens"] != nil
        guard isNative, let own = root.count("input_tokens") else { return false }
        input = own
        Self.set(&cacheRead, root.count("cache_read_input_tokens"))
        Self.set(&cacheCreation, root.count("cache_creation_input_tokens"))
        for name in Self.otherNames {
            guard let value = root.some(name) else { continue }
            others.removeAll { $0.name.description == name.description }
            others.append((name, Array(value.raw)))
        }
        return true
    }

    private static let otherNames: [StaticString] = [
        "cache_creation", "server_tool_use", "output_tokens_details", "service_tier", "inference_geo", "speed",
        "iterations",
    ]

    /// The usage object. All four counts are there always: clients add them up.
    func write(to out: ByteWriter) {
        write(#"{"input_tokens":"#, input, to: out)
        write(#","cache_creation_input_tokens":"#, cacheCreation, to: out)
        write(#","cache_read_input_tokens":"#, cacheRead, to: out)
        write(#","output_tokens":"#, output, to: out)
        if thinking > 0, !others.contains(where: { $0.name.description == "output_tokens_details" }) {
            write(#","output_tokens_details":{"thinking_tokens":"#, thinking, to: out)
            out.append("}")
        }
        for (name, json) in others {
            out.append(",\"")
            out.append(name)
            out.append("\":")
            json.withUnsafeBytes { out.append(json: $0) }
        }
        out.append("}")
    }

    private func write(_ name: StaticString, _ count: Int64, to out: ByteWriter) {
        out.append(name)
        out.append(int: max(0, count))
    }
}

extension JSONSpan {
    /// A count that is not negative, otherwise nil.
    fileprivate func count(_ name: StaticString) -> Int64? {
        guard let value = self[name], value.kind == .int else { return nil }
        return Int64(String(decoding: value.raw, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil }
    }
}
