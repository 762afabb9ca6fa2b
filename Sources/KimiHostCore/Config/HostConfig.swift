package import JSONSchema

/// The whole configuration, checked: what the host is built from. The `var`s may be overridden by the command line.
package struct HostConfig: Sendable {
    /// What diagnostics call the file that this came from.
    package var file = ""
    package var server = Server()
    package var auth = Auth.unset
    /// Opens `/admin/`; nil: who may do what there goes by `auth`.
    package var adminKey: KeyDigest?
    package var limits = Limits()
    package var timeouts = Timeouts()
    package var routing = Routing()
    package var logging = Logging()
    package var log = Log()
    package var tracing = Tracing()
    package var dashboard = Dashboard()
    package var hostedTools = HostedToolsPolicy.strip
    package var responses = Responses()
    /// The address that the process listens on already; nil: on none yet.
    package var boundHost: String?
    package var plugins = Plugins()
    /// The folder with everything that the host keeps between its runs.
    package var stateDir = "data"
    /// Most attempts of a reply whose route ensures tool calls.
    package var enforcementAttempts = 3
    package var defaultStrategy = RoutingStrategy.first
    /// In the order of the file; entries left out by `optional: true` are missing.
    package var routes: [RouteConfig] = []

    package init() {}

    package struct Server: Sendable, Equatable {
        package var host = "127.0.0.1"
        /// 0 asks the system for a free port.
        package var port = 8000
        /// Nil: plain HTTP.
        package var tls: TLS?
        /// Is a changed file loaded without SIGHUP?
        package var watch = true

        package init() {}
    }

    /// PEM files.
    package struct TLS: Sendable, Equatable {
        /// The certificate, then those that lead to its authority.
        package var certificate: String
        package var key: String
    }

    package struct Limits: Sendable, Equatable {
        /// The longest request body taken from a client, in bytes.
        package var maxBodyBytes = 64 << 20
        /// The longest upstream answer held in memory as a whole (answers that are not streamed), in bytes.
        package var maxResponseBytes = 64 << 20
        /// Client connections open at once; further ones wait to be accepted.
        package var maxConnections = 10_000
        /// What each plugin may keep between exchanges, in bytes; 0: nothing.
        package var pluginMemoryBytes = 64 << 20
        /// Requests served at once, and those that wait beyond it.
        package var maxExchanges = 10_000
        package var maxQueued = 1_000

        package init() {}
    }

    /// How long an upstream may take.
    package struct Timeouts: Sendable, Equatable {
        /// From the attempt's start until connected, TLS included.
        package var connect = Duration.seconds(10)
        /// From the request's last byte until the response head.
        package var head = Duration.seconds(300)
        /// Between two reads of a response body.
        package var idle = Duration.seconds(300)
        /// From the sent request until the first content of a streamed answer; nil is without limit.
        package var firstToken: Duration? = .seconds(600)
        /// Between two pieces of a streamed answer's content; nil is without limit.
        package var betweenTokens: Duration? = .seconds(300)
        /// The whole exchange, all attempts together; nil is without limit.
        package var total: Duration?
        /// How long transforms may hold an answer back; then they are asked to give it up. nil is without limit.
        package var hold: Duration? = .seconds(1)
        /// All that it takes to get one token for a provider.
        package var token = Duration.seconds(30)
        /// A client connection's silence while no reply is under way on it; nil is without limit.
        package var client: Duration? = .seconds(120)
        /// For other requests to end, before a request is served.
        package var queue = Duration.seconds(10)
        /// For replies under way, after SIGTERM.
        package var drain = Duration.seconds(25)
        /// How long new requests are still served after SIGTERM.
        package var drainNotice = Duration.zero

        package init() {}
    }

    /// What is done about plugins that crash or hang.
    package struct Plugins: Sendable, Equatable {
        /// How long a crash file keeps its plugin from being loaded; zero: not at all.
        package var quarantineWindow = Duration.seconds(3_600)
        /// A call into a plugin that takes longer is logged.
        package var slowCall = Duration.seconds(1)
        /// The process is ended over one that takes longer; nil: over none.
        package var hang: Duration? = .seconds(30)

        package init() {}
    }

    /// What is kept of replies of the Responses API, for `previous_response_id`.
    package struct Responses: Sendable, Equatable {
        /// The SQLite file; nil keeps them in memory, until the host ends.
        package var path: String?
        package var maxEntries = 10_000
        package var maxBytes = 256 << 20
        package var maxAgeDays = 30

        package init() {}
    }

    /// What is done about upstreams that fail.
    package struct Routing: Sendable, Equatable {
        /// Further attempts when every route and key had its turn.
        package var retries = 1
        /// How many of those there may be, as a share of all requests.
        package var retryBudget = 0.2
        /// The pause before the first of them; it doubles up to `maxBackoff`.
        package var backoff = Duration.milliseconds(250)
        package var maxBackoff = Duration.seconds(8)
        /// A longer `retry-after` is not waited for.
        package var maxRetryAfter = Duration.seconds(20)
        /// Failures in a row after which a route is left out.
        package var cooldownAfter = 3
        /// For how long, the first time; it doubles up to `maxCooldown`. Zero: never.
        package var cooldown = Duration.seconds(5)
        package var maxCooldown = Duration.seconds(60)

        package init() {}
    }

    package struct Logging: Sendable, Equatable {
        package var level = LogLevel.info
        package var format = LogFormat.text

        package init() {}
    }
}

/// Levels of the process log; the raw values are swift-log's.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    /// Also takes the words of the original's logger: warn, fatal and silent.
    package init?(name: String) {
        switch name.lowercased() {
        case "warn": self = .warning
        case "fatal", "silent": self = .critical
        case let other: self.init(rawValue: other)
        }
    }
}

/// What becomes of tools that a client expects its API to run itself, such as web search.
package enum HostedToolsPolicy: String, Sendable, CaseIterable {
    /// They are left out, and listed in `x-kimi-dropped`.
    case strip
    /// The request is refused, and the error names the tool.
    case refuse
}

/// How one of several routes for the same model is chosen.
package enum RoutingStrategy: String, Sendable, CaseIterable {
    case first
    case roundRobin = "round_robin"
    case random
    case weightedRandom = "weighted_random"
    case leastLatency = "least_latency"
    case sticky

    /// Does it go by what the request says?
    var wantsHints: Bool { self == .leastLatency || self == .sticky }
}

/// One entry of `models`: an upstream that serves a model name.
package struct RouteConfig: Sendable {
    /// The position in ``HostConfig/routes``, dense: entries that were left out have none.
    package var index: Int
    /// The entry's place in the file, for example `models[3]`, for messages and logs.
    package var path: String
    /// And its line.
    package var mark: Mark?
    /// The name clients ask for.
    package var modelName: String
    /// The name of the provider plugin.
    package var provider: String
    /// The name the upstream knows.
    package var upstreamModel: String
    /// 0 switches the route off.
    package var weight = 1.0
    package var strategy: RoutingStrategy?
    package var profile: String?
    package var ensureToolCall = EnsureToolCall.never
    /// The most requests of this entry under way at once; nil: no bound.
    package var maxConcurrent: Int?
    /// How its upstream is asked to go on with a reply that broke off; nil: it is not.
    package var resume: ResumeStyle?
    /// What the attempts rotate through, at least one: the entry's `keys`, or its `provider_config` alone.
    package var keys = [ProviderKey(config: ConfigNode(.object(ConfigObject())))]
    /// The first key's configuration.
    package var providerConfig: ConfigNode { keys[0].config }
    /// In request order; events of the answer pass them in reverse.
    package var transforms: [TransformUse] = []

    package init(index: Int, path: String, modelName: String, provider: String, upstreamModel: String) {
        self.index = index
        self.path = path
        self.modelName = modelName
        self.provider = provider
        self.upstreamModel = upstreamModel
    }
}

/// `ensure_tool_call` of an entry.
package enum EnsureToolCall: String, Sendable, CaseIterable {
    /// `false`.
    case never
    /// `true`: in requests with tools.
    case withTools
    /// In all requests.
    case always
}

/// One of the configurations that a route's attempts rotate through.
package struct ProviderKey: Sendable {
    /// Resolved and checked: references replaced, environment filled in, sidecar beneath. May hold secrets.
    package var config: ConfigNode
    /// Its share of the attempts, above 0.
    package var weight = 1.0
}

extension RouteConfig: CustomStringConvertible {
    /// For logs: names only, never the plugins' configuration, which may hold secrets.
    package var description: String {
        "\(path) \(modelName)\(profile.map { " in \($0)" } ?? "") to \(provider) \(upstreamModel)"
    }
}

/// One use of a transform plugin by a route.
package struct TransformUse: Sendable, CustomStringConvertible {
    /// The transform's name in the configuration, for example `kimi-k2`.
    package var plugin: String
    /// Resolved and checked, like ``ProviderKey/config``.
    package var config: ConfigNode

    /// The name only: the configuration may hold secrets.
    package var description: String { plugin }

    package init(plugin: String, config: ConfigNode) {
        self.plugin = plugin
        self.config = config
    }
}
