/// Where finished exchanges go. Another store is another conformance; the pipeline knows only this.
package protocol LogSink: AnyObject, Sendable {
    /// Takes a finished exchange. Never waits and never fails; what cannot be kept is counted. Any thread.
    ///
    /// Whoever gives it away makes no copy: it is read and changed where it is.
    func submit(_ record: consuming ExchangeRecord)
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
    /// Bytes that a rush left on the disk to be packed later; such exchanges count as written.
    package var spoolBytes = 0
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
    package var maxBodyBytes = 4 << 20
    /// Bytes kept of all bodies of one exchange.
    package var maxExchangeBytes = 16 << 20
    /// Bytes kept of all exchanges under way.
    package var memoryBytes = 256 << 20
    /// Patterns (`*` stands for any characters) of models, by the client's name, whose bodies are never kept.
    package var modelsWithoutBodies: [String] = []
    /// The first that fits is taken.
    package var prices: [Price] = []

    package init() {}
}

/// What tokens cost.
package struct Price: Sendable, Equatable {
    /// A pattern for the upstream's name of the model.
    package var model: String
    /// Nil: every provider.
    package var provider: String?
    /// For a million tokens.
    package var input = 0.0
    package var output = 0.0
    /// Nil: as `input`.
    package var cacheRead: Double?
    package var cacheWrite: Double?

    package init(model: String) { self.model = model }

    /// Of one exchange; nil if its tokens are not known.
    package func cost(of usage: ExchangeRecord.Usage) -> Double? {
        guard let input = usage.input, let output = usage.output else { return nil }
        let read = min(usage.cacheRead ?? 0, input)
        let written = min(usage.cacheWrite ?? 0, input - read)
        let fresh = Double(input - read - written) * self.input
        let cached = Double(read) * (cacheRead ?? self.input) + Double(written) * (cacheWrite ?? self.input)
        return (fresh + cached + Double(output) * self.output) / 1_000_000
    }
}

/// A sink and what it is to get; one for the whole host.
package struct ExchangeLog: Sendable {
    package let sink: any LogSink
    package let policy: LogPolicy
    /// Of all exchanges under way.
    package let memory = LogMemory()

    package init(sink: any LogSink, policy: LogPolicy) {
        self.sink = sink
        self.policy = policy
    }
}
