/// One request to an upstream. Its bytes go out as they are; redirects are never followed.
package struct UpstreamRequest: Sendable {
    /// HTTP method, such as `POST`.
    package var method: String
    /// Absolute `http` or `https` URL.
    package var url: String
    /// Header lines in order, names and values without line ends.
    package var headers: [(name: String, value: String)]
    /// The body; nil sends none.
    package var body: [UInt8]?
    /// Milliseconds until a connection (with TLS) must stand.
    package var connectTimeoutMs: Int

    package init(
        method: String, url: String, headers: [(name: String, value: String)], body: [UInt8]?,
        connectTimeoutMs: Int = UpstreamLimits.connectTimeoutMs
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeoutMs = connectTimeoutMs
    }
}

/// Bounds of the upstream engine, each with its unit.
package enum UpstreamLimits {
    /// Milliseconds to connect when the configuration does not say.
    package static let connectTimeoutMs = 10_000
    /// Bytes handed to an exchange and not yet consumed, above which its transfer is paused.
    package static let highWater = 256 << 10
    /// Bytes not yet consumed, below which a paused transfer goes on.
    package static let lowWater = 64 << 10
    /// Bytes of a response's head; more is a failure.
    package static let maxHeadBytes = 256 << 10
    /// Idle easy handles kept for reuse, per reactor.
    package static let maxIdleHandles = 128
    /// Idle connections kept open, per reactor.
    package static let maxIdleConnections = 512
    /// Socket events taken from one wait.
    static let eventsPerWait = 256
}
