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
        /// In the upstream's own currency, where it tells one.
        package var cost: Double?

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
    /// The name of the client's key; nil: none.
    package var client: String?
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
    /// Hides secrets; may be called on any thread.
    package var mask: (@Sendable ([UInt8]) -> [UInt8])?

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
        }
    }

    private static let baseCost = 1_024
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
    package var failure: ExchangeRecord.Failure?
    package var request = RecordedBody()
    /// The upstream's bytes as they came, content encodings undone.
    package var reply = RecordedBody()
    package var arrivals: [Arrival] = []

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

/// A body up to a bound, and its true length.
package struct RecordedBody: Sendable {
    package private(set) var pieces: [[UInt8]] = []
    /// Bytes in `pieces`.
    package private(set) var kept = 0
    /// All bytes, those behind the bound included.
    package private(set) var total = 0

    package init() {}

    package var isEmpty: Bool { total == 0 }
    package var isCut: Bool { kept < total }

    /// Takes bytes, shared where they fit, as far as `limit` allows.
    package mutating func append(_ bytes: [UInt8], limit: Int) {
        total += bytes.count
        let room = limit - kept
        guard room > 0, !bytes.isEmpty else { return }
        if bytes.count <= room {
            pieces.append(bytes)
            kept += bytes.count
        } else {
            pieces.append(Array(bytes.prefix(room)))
            kept += room
        }
    }

    /// Copies borrowed bytes as far as `limit` allows.
    package mutating func append(copying bytes: UnsafeRawBufferPointer, limit: Int) {
        total += bytes.count
        let count = min(bytes.count, max(0, limit - kept))
        guard count > 0 else { return }
        kept += count
        let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        if pieces.isEmpty { pieces.append([]) }
        pieces[pieces.count - 1].append(contentsOf: piece)
    }

    /// Keeps the length only.
    package mutating func forget() {
        pieces = []
        kept = 0
    }

    /// In one piece.
    package var bytes: [UInt8] { pieces.count == 1 ? pieces[0] : Array(pieces.joined()) }
}
