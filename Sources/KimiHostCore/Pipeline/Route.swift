package import Enforcement
import LogModel
package import PluginHost

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// One upstream entry for a model name, ready to serve. Immutable, shared by event loops.
package final class Route: Sendable {
    /// At least one; they differ in their configuration only.
    package let keys: [RouteKey]
    private let rotation: Rotation
    /// In config order.
    package let transforms: [TransformInstance]
    /// The model name that goes up.
    package let upstreamModel: String
    /// The libraries behind it, for the log.
    let libraries: [ExchangeRecord.Plugin]
    package let timeouts: RouteTimeouts
    /// Bytes of an upstream answer that is held as a whole.
    package let maxResponseBytes: Int
    package let health: Health
    package let latency: RouteLatency
    /// Not nil: one of its plugins is quarantined, and nothing can be asked of it.
    package let quarantine: QuarantineReason?
    /// Its attempts under way.
    package let slots: RouteSlots
    /// How its upstream is asked to go on with a reply that broke off; nil: it is not.
    package let resume: ResumeStyle?
    /// Set where the route ensures tool calls.
    package let enforcement: EnforcementPolicy?

    /// - Parameter providers: one per key, at least one, with their weights, which are above 0, and the key that the
    ///   same place had before the configuration was loaded anew.
    package init(
        providers: [(provider: ProviderInstance, weight: Double, former: RouteKey?)],
        transforms: [TransformInstance],
        upstreamModel: String, timeouts: RouteTimeouts, maxResponseBytes: Int,
        cooldown: CooldownPolicy = CooldownPolicy(), latency: RouteLatency = RouteLatency(), health: Health? = nil,
        slots: RouteSlots = RouteSlots(), quarantine: QuarantineReason? = nil, resume: ResumeStyle? = nil,
        enforcement: EnforcementPolicy? = nil
    ) {
        self.quarantine = quarantine
        self.slots = slots
        self.resume = resume
        self.enforcement = enforcement
        self.latency = latency
        self.health = health ?? Health(cooldown)
        self.maxResponseBytes = maxResponseBytes
        self.rotation = Rotation(weights: providers.map(\.weight))
        self.keys = providers.map { entry in
            RouteKey(
                provider: entry.provider,
                tokens: TokenSource.of(
                    entry.provider, fetchMs: timeouts.token, connectMs: timeouts.connect, former: entry.former?.tokens),
                health: entry.former?.health ?? Health(cooldown))
        }
        self.transforms = transforms
        self.libraries =
            providers.prefix(1).map { ExchangeRecord.Plugin($0.provider.name, $0.provider.library) }
            + transforms.map { ExchangeRecord.Plugin($0.name, $0.library) }
        self.upstreamModel = upstreamModel
        self.timeouts = timeouts
    }

    /// Sets how long what fails is left out from now on.
    func adopt(_ cooldown: CooldownPolicy) {
        health.adopt(cooldown)
        for key in keys { key.health.adopt(cooldown) }
    }

    /// The place of the key whose turn it is.
    package func nextKey() -> Int { rotation.next() }

    /// The provider's name, the same for all keys.
    package var providerName: String { keys[0].provider.name }
    package var dialects: [String] { keys[0].provider.dialects }

    private var wantsBytesOnly: Bool { transforms.isEmpty && resume == nil && enforcement == nil }

    /// Can a reply that broke off be continued here? What is enforced is judged whole.
    package var mayResume: Bool { resume != nil && enforcement == nil }

    /// Can a request of this dialect go up as the client sent it? Transforms want canonical events, where there are any,
    /// and so do enforcement and whoever may have to continue the reply elsewhere.
    package func speaks(_ dialect: String) -> Bool {
        dialects.contains(dialect) && (wantsBytesOnly || Self.rawDialects.contains(dialect))
    }

    /// Dialects without a canonical form.
    private static let rawDialects = ["openai.completions", "openai.embeddings", "anthropic.count_tokens"]

    /// `text` with the secrets of all its plugins hidden.
    package func masked(_ text: String) -> String {
        let byKeys = keys.reduce(text) { $1.provider.masked($0) }
        return transforms.reduce(byKeys) { $1.masked($0) }
    }

    /// The same of bytes, which may be any.
    package func masked(_ bytes: [UInt8]) -> [UInt8] {
        let byKeys = keys.reduce(bytes) { $1.provider.masked($0) }
        return transforms.reduce(byKeys) { $1.masked($0) }
    }

    /// Bytes of the longest secret of its plugins.
    package var longestSecret: Int {
        let ofKeys = keys.reduce(0) { max($0, $1.provider.longestSecret) }
        return transforms.reduce(ofKeys) { max($0, $1.longestSecret) }
    }

    /// Whether there is something in `bytes` for `masked` to hide.
    package func findsSecret(in bytes: UnsafeRawBufferPointer) -> Bool {
        keys.contains { $0.provider.findsSecret(in: bytes) } || transforms.contains { $0.findsSecret(in: bytes) }
    }
}

/// Bounds on waiting for an upstream, in milliseconds; 0 means none, where it is allowed.
package struct RouteTimeouts: Sendable {
    /// Until a connection stands, TLS included.
    package var connect: Int
    /// From sending until the response's head.
    package var head: Int
    /// Between two arrivals of bytes, and for a client that does not read.
    package var idle: Int
    /// The whole exchange; 0: none.
    package var total: Int
    /// From sending until the first content of a streamed answer; 0: none.
    package var firstToken: Int
    /// Between two pieces of its content; 0: none.
    package var betweenTokens: Int
    /// How long transforms may hold everything back before they are asked to give it up; 0: as long as they like.
    package var hold: Int
    /// For all that it takes to get one token.
    package var token: Int

    /// Unix milliseconds after so many from now; nil: 0, never.
    package static func deadline(after remainingMs: Int64?) -> UInt64 {
        guard let remainingMs else { return 0 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec * 1000 + now.tv_nsec / 1_000_000 + Int(max(remainingMs, 0)))
    }

    package init(
        connect: Int = 10_000, head: Int = 300_000, idle: Int = 300_000, total: Int = 0, hold: Int = 1_000,
        token: Int = 30_000, firstToken: Int = 600_000, betweenTokens: Int = 300_000
    ) {
        self.firstToken = firstToken
        self.betweenTokens = betweenTokens
        self.token = token
        self.hold = hold
        self.connect = connect
        self.head = head
        self.idle = idle
        self.total = total
    }
}
