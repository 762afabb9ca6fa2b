/// One finished exchange, as a sink gets it. A value; times are milliseconds.
///
/// Nothing in it has been masked yet but header values that the plugin called secret. Whoever stores it puts every text
/// and every body through `mask` first, off the event loop. Headers of the client's are not in it at all.
package struct ExchangeRecord: Sendable {
    package enum Outcome: String, Sendable, CaseIterable {
        case ok, failed, cancelled
    }

    package struct Failure: Sendable, Equatable {
        package var category: String
        package var message: String
        package var code: String?

        package init(category: String, message: String, code: String?) {
            self.category = category
            self.message = message
            self.code = code
        }
    }

    /// Tokens, as the provider plugin told them; nil: not known.
    package struct Usage: Sendable, Equatable {
        /// Cached ones included.
        package var input: Int64?
        package var output: Int64?
        package var cacheRead: Int64?
        package var cacheWrite: Int64?
        package var reasoning: Int64?
        /// As the upstream tells it, in its own currency; else by the price table.
        package var cost: Double?
        /// Whether `cost` is by the price table.
        package var isPriced = false

        /// The most of one exchange that is added up: sums of what an upstream makes up stay numbers.
        package static let mostCost = 1e9

        /// ``cost`` within what can be added up; nil: there is none, or it makes no sense.
        package var countedCost: Double? {
            guard let cost, cost.isFinite, cost >= 0 else { return nil }
            return min(cost, Self.mostCost)
        }

        package init() {}
    }

    /// What a plugin, or the host, says it did.
    package struct Note: Sendable, Equatable {
        package var plugin: String
        package var kind: String
        package var count: Int
        package var details: [String]

        package init(plugin: String, kind: String, count: Int, details: [String]) {
            self.plugin = plugin
            self.kind = kind
            self.count = count
            self.details = details
        }
    }

    /// A member of the client's request that its upstream was not told.
    package struct Dropped: Sendable, Equatable {
        package var path: String
        package var reason: String

        package init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    /// A library that took part.
    package struct Plugin: Sendable, Equatable {
        package var name: String
        package var id: String
        package var version: String
        /// Of the library's file, in hexadecimal digits.
        package var sha256: String

        package init(name: String, id: String, version: String, sha256: String) {
            (self.name, self.id, self.version, self.sha256) = (name, id, version, sha256)
        }
    }

    /// The id that the client saw.
    package var id: String
    /// Unix time of the request's last byte.
    package var began: Int64
    /// From `began` until the reply was complete.
    package var duration: Int64 = 0
    /// From `began` until the first byte of a stream went to the client.
    package var firstByte: Int64?
    /// From `began` until the answer's first content, or a whole answer.
    package var firstToken: Int64?
    /// Microseconds of `duration` in which nothing was awaited from an upstream: before the last attempt's request went
    /// up, and after the last of its answer came.
    package var overhead: Int64?
    /// The name of the client's key; nil: none.
    package var client: String?
    /// In the order in which they were first used.
    package var plugins: [Plugin] = []
    /// The client's API, such as `openai.chat`.
    package var dialect: String
    package var profile: String?
    /// The name that the client asked for; empty: not read.
    package var model: String
    package var provider = ""
    package var upstreamModel = ""
    package var isStream = false
    package var isNative = false
    package var outcome = Outcome.ok
    /// Of the reply; 499: the client was gone before it was complete.
    package var status = 200
    package var failure: Failure?
    package var usage = Usage()
    package var finish: String?
    package var notes: [Note] = []
    package var dropped: [Dropped] = []
    package var attempts: [AttemptRecord] = []
    /// As the client sent it.
    package var request = RecordedBody()
    /// As the client got it; of a failed reply that was no stream, only `failure` tells.
    package var reply = RecordedBody()
    /// Hides the secrets that may be in it.
    package var mask: (any RecordMask)?

    package init(id: String, began: Int64, dialect: String, model: String) {
        self.id = id
        self.began = began
        self.dialect = dialect
        self.model = model
    }

    /// Bytes that it takes in memory, about.
    package var cost: Int {
        attempts.reduce(Self.baseCost + request.kept + reply.kept) {
            $0 + Self.baseCost + $1.request.kept + $1.reply.kept + 16 * $1.arrivals.count
                + $1.changes.reduce(0) { $0 + $1.body.kept }
        }
    }

    private static let baseCost = 1_024

    /// What stands in the place of a secret.
    package static let hidden = "***"
}

/// One try at an upstream.
package struct AttemptRecord: Sendable {
    /// Bytes that came together.
    package struct Arrival: Sendable, Equatable {
        /// Since the exchange began.
        package var milliseconds: Int64
        package var count: Int

        package init(milliseconds: Int64, count: Int) {
            self.milliseconds = milliseconds
            self.count = count
        }
    }

    /// From 1.
    package var number: Int
    package var provider: String
    package var upstreamModel: String
    /// Since the exchange began.
    package var began: Int64
    package var method = ""
    package var url = ""
    package var headers: [Header] = []
    /// 0: no answer.
    package var status = 0
    /// Until the answer's head, since the exchange began.
    package var head: Int64?
    package var end: Int64?
    /// Why the answer broke off, or none came; nil: it was whole, or nobody waited for its end.
    package var broke: String?
    package var failure: ExchangeRecord.Failure?
    /// What the whole answer lacked, so that the upstream was asked again (`ensure_tool_call`); nil: nothing.
    package var rejected: String?
    package var request = RecordedBody()
    /// The upstream's bytes as they came, content encodings undone.
    package var reply = RecordedBody()
    package var arrivals: [Arrival] = []
    /// The client's own bytes went up, and the answer's came down.
    package var isNative = false
    package var isStream = false
    /// The canonical request went up as transforms left it, by these changes.
    package var changes: [Change] = []
    /// The lines of the answer's head, as they came.
    package var answer: [UInt8] = []

    /// What a transform did to the request on its way up.
    package struct Change: Sendable {
        package var plugin: String
        /// `body` is the whole new request; else a JSON merge patch.
        package var isWhole: Bool
        package var body: RecordedBody

        package init(plugin: String, isWhole: Bool, body: RecordedBody) {
            (self.plugin, self.isWhole, self.body) = (plugin, isWhole, body)
        }
    }

    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(number: Int, provider: String, upstreamModel: String, began: Int64) {
        self.number = number
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.began = began
    }
}
