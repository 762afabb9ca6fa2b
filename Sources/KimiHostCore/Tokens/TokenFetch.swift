import CanonicalModel
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// One run of an auth machine: carries its steps out until it grants a token, fails, or has taken too long. Kept alive
/// by its deadline. Event loop only.
final class TokenFetch {
    private let source: TokenSource
    private let key: String
    private let number: Int
    private let services: LoopServices
    private var attempt: (any AuthCalls)?
    private var transfer: Transfer?
    private var pause: Scheduled<Void>?
    private var deadline: Scheduled<Void>?
    private var isOver = false
    /// Whom it talks to, for messages.
    private var target = ""

    init(source: TokenSource, key: String, number: Int, services: LoopServices) {
        self.source = source
        self.key = key
        self.number = number
        self.services = services
    }

    func start() {
        deadline = schedule(source.fetchMs) { (self) in self.expire() }
        proceed { (self) throws(ExchangeError) in
            self.attempt = try self.begin()
            try self.step()
        }
    }

    private func begin() throws(ExchangeError) -> any AuthCalls {
        guard source.provider.isIsolated else { return try AuthAttempt(provider: source.provider, key: key) }
        return try IsolatedAuthAttempt(
            provider: source.provider, key: key, eventLoop: services.eventLoop
        ) { [weak self] in
            self?.proceed { (self) throws(ExchangeError) in try self.step() }
        }
    }

    private func step() throws(ExchangeError) {
        while let attempt {
            guard let step = try attempt.plan() else { return }  // It comes from another process.
            switch step {
            case .http(let planned): return send(planned)
            case .wait(let id, let milliseconds): return wait(id, milliseconds)
            case .sign(let planned):
                try StepAnswer.sign(planned, source.provider) { result throws(ExchangeError) in
                    try attempt.result(result)
                }
            case .grant(let grant): return finish(.success(grant))
            case .send, .token, .localReply:
                // Refused when they are planned; a machine that got here would never end.
                throw ExchangeError(
                    KIMI_CAT_INTERNAL, "plugin '\(source.provider.name)' planned a step that fetches no token")
            }
        }
    }

    private func send(_ planned: PlannedRequest) {
        target = UpstreamTarget.text(planned.url)
        let side = SideRequest(
            id: planned.id, target: target, heard: {}, finished: { [weak self] in self?.sideFinished($0) })
        let body: [UInt8]? = if case .bytes(let bytes) = planned.body { bytes } else { nil }
        let request = UpstreamRequest(
            method: planned.method, url: planned.url, headers: planned.headers, body: body,
            connectTimeoutMs: source.connectMs)
        side.transfer = services.reactor.start(request, receiver: side)
        transfer = side.transfer
    }

    private func sideFinished(_ side: SideRequest) {
        transfer = nil
        proceed { (self) throws(ExchangeError) in
            try side.withResult { result throws(ExchangeError) in try self.attempt?.result(result) }
            try self.step()
        }
    }

    private func wait(_ id: UInt32, _ milliseconds: Int) {
        pause = schedule(milliseconds) { (self) in
            self.proceed { (self) throws(ExchangeError) in
                try StepAnswer.with(KIMI_STEP_WAIT, id, KIMI_OK) { result throws(ExchangeError) in
                    try self.attempt?.result(result)
                }
                try self.step()
            }
        }
    }

    private func expire() {
        let whom = transfer == nil ? "its plugin" : "the token endpoint \(target)"
        finish(
            .failure(
                ExchangeError(
                    KIMI_CAT_TIMEOUT, "\(whom) did not bring one within \(source.fetchMs) ms (timeouts.token)",
                    code: "timeout")))
    }

    private func proceed(_ body: (TokenFetch) throws(ExchangeError) -> Void) {
        guard !isOver else { return }
        do throws(ExchangeError) {
            try body(self)
        } catch {
            finish(.failure(error))
        }
    }

    private func finish(_ result: Result<TokenGrant, ExchangeError>) {
        guard !isOver else { return }
        isOver = true
        if case .success = result { attempt?.end(KIMI_WHY_END) } else { attempt?.end(KIMI_WHY_FAILED) }
        attempt = nil
        transfer?.cancel()
        transfer = nil
        pause?.cancel()
        deadline?.cancel()
        source.finished(number, key: key, result, services: services)
    }

    private func schedule(_ milliseconds: Int, _ body: @escaping (TokenFetch) -> Void) -> Scheduled<Void> {
        services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { body(self) }
    }
}

/// A URL as messages may show it: without user, query and fragment, which may hold secrets.
enum UpstreamTarget {
    static func text(_ url: String) -> String {
        let bytes = url.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let scheme = bytes.firstIndex(of: UInt8(ascii: ":")) else { return String(Substring(bytes)) }
        let rest = bytes[scheme...].dropFirst(3)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return String(Substring(bytes)) }
        return String(Substring(bytes[...scheme])) + "//" + String(Substring(rest[rest.index(after: at)...]))
    }
}
