import HTTPTypes
import NIOHTTP1

/// The keys that a client shows: `Authorization: Bearer KEY` and `x-api-key: KEY`. Some clients send both, one of them
/// made up, so either will do.
enum OfferedKeys {
    /// Keys that are looked at in one request.
    private static let maxKeys = 4
    private static let apiKey = HTTPField.Name("x-api-key")

    static func of(_ headers: HTTPHeaders) -> [Substring] {
        keys(bearers: headers["authorization"], others: headers["x-api-key"])
    }

    static func of(_ fields: HTTPFields) -> [Substring] {
        keys(bearers: fields[values: .authorization], others: apiKey.map { fields[values: $0] } ?? [])
    }

    private static func keys(bearers: [String], others: [String]) -> [Substring] {
        let keys = bearers.compactMap(bearer) + others.map { trimmed($0[...]) }
        return Array(keys.filter { !$0.isEmpty }.prefix(maxKeys))
    }

    private static func bearer(_ value: String) -> Substring? {
        let scheme = "bearer "
        let value = trimmed(value[...])
        guard value.count > scheme.count, value.prefix(scheme.count).lowercased() == scheme else { return nil }
        return trimmed(value.dropFirst(scheme.count))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
