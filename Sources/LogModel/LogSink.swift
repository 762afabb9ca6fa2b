/// Where finished exchanges go. Another store is another conformance; the pipeline knows only this.
package protocol LogSink: AnyObject, Sendable {
    /// Takes a finished exchange. Never waits and never fails; what cannot be kept is counted. Any thread.
    func submit(_ record: ExchangeRecord)
    /// Counters as of now. Any thread.
    var stats: LogStats { get }
    /// Writes what waits, as far as it can be written; later records are counted as dropped.
    func close() async
}

/// Counters of a sink; a snapshot.
package struct LogStats: Sendable, Equatable {
    /// Exchanges written since the start.
    package var written = 0
    /// Exchanges that wait to be written.
    package var pending = 0
    package var pendingBytes = 0
    /// Exchanges that were not kept: the queue was full, or the disk failed for too long.
    package var dropped = 0
    /// Exchanges removed for their age or to make room.
    package var evicted = 0
    /// Writes that failed.
    package var failures = 0
    /// Whether the disk fails at the moment.
    package var isFailing = false

    package init() {}
}

/// What of an exchange is recorded.
package struct LogPolicy: Sendable, Equatable {
    /// Whose bodies are kept.
    package enum Bodies: String, Sendable, CaseIterable {
        case none
        /// Those of exchanges that failed, or that their client gave up.
        case errors
        case all
    }

    package var bodies = Bodies.all
    /// Bytes kept of each body; the rest is counted only.
    package var maxBodyBytes = 1 << 20
    /// Models, by the client's name, whose bodies are never kept.
    package var modelsWithoutBodies: Set<String> = []

    package init() {}
}

/// A sink and what it is to get; one for the whole host.
package struct ExchangeLog: Sendable {
    package let sink: any LogSink
    package let policy: LogPolicy

    package init(sink: any LogSink, policy: LogPolicy) {
        self.sink = sink
        self.policy = policy
    }
}
