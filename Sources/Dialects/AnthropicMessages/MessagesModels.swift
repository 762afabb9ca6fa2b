package import CanonicalModel
package import WireJSON

/// A model as Anthropic's API lists it.
package struct MessagesModel: Sendable {
    package var id: String
    package var displayName: String
    /// Unix seconds; 0 if unknown.
    package var created: Int64
    package var maxInputTokens: Int?
    package var maxTokens: Int?

    package init(
        id: String, displayName: String? = nil, created: Int64 = 0, maxInputTokens: Int? = nil, maxTokens: Int? = nil
    ) {
        self.id = id
        self.displayName = displayName ?? id
        self.created = created
        self.maxInputTokens = maxInputTokens
        self.maxTokens = maxTokens
    }

    /// GET /v1/models/{id}
    package func write(to out: ByteWriter) {
        out.append(#"{"type":"model","id":"#)
        out.appendJSONString(id)
        out.append(#","display_name":"#)
        out.appendJSONString(displayName)
        out.append(#","created_at":""#)
        out.append(utf8: Timestamp.text(created))
        out.append(#"","lifecycle":"active","max_input_tokens":"#)
        Self.write(maxInputTokens, to: out)
        out.append(#","max_tokens":"#)
        Self.write(maxTokens, to: out)
        out.append("}")
    }

    private static func write(_ number: Int?, to out: ByteWriter) {
        if let number { out.append(int: Int64(number)) } else { out.append("null") }
    }
}

/// GET /v1/models: a page of the list.
package struct MessagesModelPage: Sendable {
    /// The API's own bounds and default.
    package static let limits = 1...1_000
    package static let defaultLimit = 20

    private let models: ArraySlice<MessagesModel>
    private let hasMore: Bool

    /// Models behind `afterID` or before `beforeID`; an unknown id is refused by name.
    package init(
        of models: [MessagesModel], limit: Int = defaultLimit, afterID: String? = nil, beforeID: String? = nil
    ) throws(ExchangeError) {
        guard Self.limits.contains(limit) else {
            throw .badRequest("limit: must be from 1 to 1000, it is \(limit)", param: "limit")
        }
        if let beforeID {
            let end = try Self.index(of: beforeID, in: models, "before_id")
            self.models = models[..<end].suffix(limit)
            hasMore = end > limit
        } else {
            let start = try afterID.map { id throws(ExchangeError) in try Self.index(of: id, in: models, "after_id") + 1
            }
            self.models = models[(start ?? 0)...].prefix(limit)
            hasMore = self.models.endIndex < models.count
        }
    }

    private static func index(
        of id: String, in models: [MessagesModel], _ name: String
    ) throws(ExchangeError) -> Int {
        guard let index = models.firstIndex(where: { $0.id == id }) else {
            throw .badRequest("\(name): there is no model '\(LogText.oneLine(id))'", param: name)
        }
        return index
    }

    package func write(to out: ByteWriter) {
        out.append(#"{"data":["#)
        for (number, model) in models.enumerated() {
            if number > 0 { out.append(",") }
            model.write(to: out)
        }
        out.append(hasMore ? #"],"has_more":true,"first_id":"# : #"],"has_more":false,"first_id":"#)
        Self.write(models.first, to: out)
        out.append(#","last_id":"#)
        Self.write(models.last, to: out)
        out.append("}")
    }

    private static func write(_ model: MessagesModel?, to out: ByteWriter) {
        if let model { out.appendJSONString(model.id) } else { out.append("null") }
    }
}

/// Times in RFC 3339, UTC.
enum Timestamp {
    /// Years 1970 to 9999; what is outside becomes the nearest.
    static func text(_ unixSeconds: Int64) -> String {
        let seconds = min(max(unixSeconds, 0), 253_402_300_799)
        let (day, rest) = (seconds / 86_400, seconds % 86_400)
        let date = civil(day)
        return "\(date.year)-\(two(date.month))-\(two(date.day))T"
            + "\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The date of a day since 1970-01-01, by counting whole years and months.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        var (year, left) = (Int64(1970), days)
        while left >= length(of: year) {
            left -= length(of: year)
            year += 1
        }
        var month: Int64 = 1
        for days: Int64 in [31, length(of: year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if left < days { break }
            left -= days
            month += 1
        }
        return (year, month, left + 1)
    }

    private static func length(of year: Int64) -> Int64 {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }
}
