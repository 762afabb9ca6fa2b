import GRDB

/// Which exchanges to list; what is nil or false does not count.
package struct LogFilter: Sendable, Equatable {
    package var model: String?
    package var provider: String?
    package var dialect: String?
    package var profile: String?
    package var status: Int?
    /// The first digit of the status.
    package var statusClass: Int?
    package var outcome: String?
    package var upstreamModel: String?
    /// The name of the client's key.
    package var client: String?
    /// Unix milliseconds of the end, inclusive.
    package var since: Int64?
    /// Exclusive.
    package var until: Int64?
    /// Failed and given up ones only.
    package var hasError = false
    /// Only those in which something was repaired.
    package var hasRepair = false
    /// Words that must all have been said first in the exchange; `word*` is any word that begins so.
    package var search: String?

    package init() {}

    /// The times alone; the index on them is not to be used, for the order is another one.
    var times: LogQuery {
        var query = LogQuery()
        if let since { query.add("+ended >= ?", since) }
        if let until { query.add("+ended < ?", until) }
        return query
    }
}

/// A WHERE clause under construction.
struct LogQuery {
    var text = ""
    var arguments = StatementArguments()

    var word: String { text.isEmpty ? "WHERE " : " AND " }

    mutating func add(_ condition: String, _ value: any DatabaseValueConvertible) {
        text += word + condition
        arguments += [value]
    }
}
