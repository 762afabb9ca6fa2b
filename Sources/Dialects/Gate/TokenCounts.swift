package import CanonicalModel
import PluginABI
import WireJSON

/// What one reply used, as its USAGE events say; for the log. Event loop only.
package struct TokenCounts: Sendable, Equatable {
    /// A longer usage object is not searched for the cost. Bytes.
    private static let maxUsageBytes = 64 << 10
    /// A longer number is no cost. Bytes.
    private static let maxCostBytes = 32

    /// Tokens, those of the cache included; -1 is unknown.
    package private(set) var input: Int64 = -1
    package private(set) var output: Int64 = -1
    /// Input tokens that came from the upstream's cache; -1 is unknown.
    package private(set) var cached: Int64 = -1
    /// The upstream's own number, in its own currency (OpenRouter: US dollars), as it was written.
    package private(set) var cost: String?

    package init() {}

    package var isEmpty: Bool { input < 0 && output < 0 && cached < 0 && cost == nil }

    /// Takes a USAGE event; what a later one does not know stays.
    package mutating func take(_ event: CanonicalEvent) {
        if event.i0 >= 0 { input = event.i0 }
        if event.i1 >= 0 { output = event.i1 }
        if event.i2 >= 0 { cached = event.i2 }
        guard event.a.len > 0, event.a.len <= Self.maxUsageBytes else { return }
        let json = event.a.buffer
        guard let members = try? JSONSpans.members(of: json) else { return }
        for member in members where member.key == "cost" && [.int, .uint, .double].contains(member.kind) {
            guard member.valueRange.count <= Self.maxCostBytes else { continue }
            cost = String(decoding: json[member.valueRange], as: UTF8.self)
        }
    }
}
