import WireJSON

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The environment of this process.
enum ProcessVariables {
    /// Nil when it is not set, or empty.
    static func value(_ name: String) -> String? {
        guard let text = getenv(name) else { return nil }
        let value = String(cString: text)
        return value.isEmpty ? nil : value
    }
}

/// The answer of GET /admin/routes for people.
enum RoutesTable {
    static func lines(_ json: [UInt8]) throws -> [String] {
        var rows = [["ROUTE", "MODEL", "PROVIDER", "UPSTREAM", "STATE", "COLD FOR", "ACTIVE", "LATENCY", "REASON"]]
        let parser = JSONParser(maxBytes: max(json.count, 1))
        try withExtendedLifetime(parser) {
            let root = try parser.parse(json)
            for route in root["routes"].map({ Array($0.elements) }) ?? [] { add(route, to: &rows) }
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return cells.joined(separator: "  ").trimmingEnd()
        }
    }

    private static func add(_ route: JSONValue, to rows: inout [[String]]) {
        let profile = text(route["profile"])
        let keys = route["keys"].map { Array($0.elements) } ?? []
        rows.append(
            [
                text(route["route"]), text(route["model"]) + (profile.isEmpty ? "" : " (\(profile))"),
                text(route["provider"]), text(route["upstream_model"]),
            ] + state(route) + [active(route), latency(route), text(route["reason"])])
        for key in keys where keys.count > 1 || text(key["state"]) != "ok" {
            rows.append(
                ["  key \(number(key["key"]))", "", "", ""] + state(key) + ["", "", text(key["reason"])])
        }
    }

    private static func state(_ value: JSONValue) -> [String] {
        let ms = value["cooldown_ms"]?.int ?? 0
        return [text(value["state"]), ms > 0 ? "\((ms + 999) / 1000) s" : ""]
    }

    private static func active(_ route: JSONValue) -> String {
        let limit = route["max_concurrent"]?.int.map { "/\($0)" } ?? ""
        return number(route["in_flight"]) + limit
    }

    private static func latency(_ route: JSONValue) -> String {
        let mean = route["latency_ms"]?["first_token"]?.double ?? route["latency_ms"]?["whole"]?.double
        return mean.map { "\(Int($0.rounded())) ms" } ?? ""
    }

    private static func number(_ value: JSONValue?) -> String { value?.int.map { "\($0)" } ?? "" }
    private static func text(_ value: JSONValue?) -> String { value?.string ?? "" }
}

extension String {
    fileprivate func trimmingEnd() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
