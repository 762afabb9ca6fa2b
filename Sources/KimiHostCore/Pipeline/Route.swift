package import PluginHost

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// One upstream entry for a model name, ready to serve. Immutable, shared by event loops.
package final class Route: Sendable {
    package let provider: ProviderInstance
    /// Nil where the provider's library fetches none.
    package let tokens: TokenSource?
    /// In config order.
    package let transforms: [TransformInstance]
    /// The model name that goes up.
    package let upstreamModel: String
    package let timeouts: RouteTimeouts
    /// Bytes of an upstream answer that is held as a whole.
    package let maxResponseBytes: Int

    package init(
        provider: ProviderInstance, transforms: [TransformInstance], upstreamModel: String, timeouts: RouteTimeouts,
        maxResponseBytes: Int
    ) {
        self.maxResponseBytes = maxResponseBytes
        self.provider = provider
        self.tokens = TokenSource(provider: provider, fetchMs: timeouts.token, connectMs: timeouts.connect)
        self.transforms = transforms
        self.upstreamModel = upstreamModel
        self.timeouts = timeouts
    }

    /// `text` with the secrets of all its plugins hidden.
    package func masked(_ text: String) -> String {
        transforms.reduce(provider.masked(text)) { $1.masked($0) }
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
    /// How long transforms may hold everything back before they are asked to give it up; 0: as long as they like.
    package var hold: Int
    /// For all that it takes to get one token.
    package var token: Int

    /// Unix milliseconds at which an exchange that begins now is given up; 0: never.
    package var deadlineMs: UInt64 {
        guard total > 0 else { return 0 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec * 1000 + now.tv_nsec / 1_000_000 + total)
    }

    package init(
        connect: Int = 10_000, head: Int = 300_000, idle: Int = 300_000, total: Int = 0, hold: Int = 1_000,
        token: Int = 30_000
    ) {
        self.token = token
        self.hold = hold
        self.connect = connect
        self.head = head
        self.idle = idle
        self.total = total
    }
}
