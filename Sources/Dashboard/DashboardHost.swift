package import HTTPTypes
package import LogModel

/// Who looks at the dashboard.
package struct Visitor: Sendable, Equatable {
    /// Empty: the operator.
    package var name: String
    /// May act, not only look.
    package var isAdmin: Bool

    package init(name: String, isAdmin: Bool) {
        self.name = name
        self.isAdmin = isAdmin
    }
}

/// What lets somebody in.
package enum EntryWay: String, Sendable {
    /// A key, shown in a header or typed into the page.
    case key
    /// The link that is printed at the start, once.
    case link
    /// Nobody comes in: others than this machine reach the host, and there is no admin's key.
    case none
}

/// What came of the wish to replay an exchange.
package enum ReplayAnswer: Sendable {
    /// A JSON object by docs/dashboard-api.md.
    case done([UInt8])
    /// So many run already.
    case busy(Int)
    case notAvailable
}

/// What the dashboard knows of the host. Any thread.
package protocol DashboardHost: Sendable {
    var version: String { get }
    var entryWay: EntryWay { get }
    /// Changes when other people may come in than before; sessions of before are over then.
    var accessStamp: Int { get }
    /// Streams are to end.
    var isEnding: Bool { get }
    /// The log's file; nil: nothing is logged.
    var logPath: String? { get }
    var logStats: LogStats? { get }
    /// The visitor by the keys that the request's headers show; nil: none that may see the log.
    func visitor(_ headers: HTTPFields) -> Visitor?
    func visitor(key: String) -> Visitor?
    /// JSON objects by docs/dashboard-api.md; nil: not available.
    func routes() -> [UInt8]?
    func plugins() -> [UInt8]?
    /// Cooldowns that were cleared; `route` nil: all. Nil: there is no such route.
    func clearCooldowns(route: String?) -> Int?
    var hasReplay: Bool { get }
    /// The recorded bytes through today's plugins. It is given up when its task is cancelled.
    func replay(sequence: Int64) async -> ReplayAnswer
}

/// How the dashboard is set up.
package struct DashboardSettings: Sendable, Equatable {
    /// Rows that the page keeps in memory; 0: all it has seen (LIVESTORE_MAX_RECORDS).
    package var maxRecords = 500
    /// Rows that the page asks for at once, 1 to 500 (LIVESTORE_BATCH).
    package var batch = 50
    package var isReadOnly = false
    /// Is the page served by TLS?
    package var isSecure = false
    /// Names, beside addresses and `localhost`, that may lead here.
    package var hosts: [String] = []

    package init() {}

    /// As the environment of the original says it; what makes no sense is left as it is.
    package mutating func read(_ environment: [String: String]) {
        if let text = environment["LIVESTORE_MAX_RECORDS"], let value = Int(text), value >= 0 { maxRecords = value }
        if let text = environment["LIVESTORE_BATCH"], let value = Int(text) { batch = min(max(1, value), 500) }
    }
}
