import Synchronization

/// Who has signed in with a browser, and the link that a host without keys prints. Any thread.
final class Sessions: Sendable {
    /// Seconds.
    static let lifetime: Int64 = 12 * 3_600
    static let linkLifetime: Int64 = 600
    private static let maxSessions = 1_000

    private struct Session {
        let visitor: Visitor
        let expires: Int64
        let stamp: Int
    }

    private struct State {
        var sessions: [String: Session] = [:]
        var order: [String] = []
        var link: (token: String, expires: Int64)?
    }

    private let state = Mutex(State())
    private let stamp: @Sendable () -> Int
    private let clock: @Sendable () -> Int64

    /// - Parameters:
    ///   - stamp: changes when other people may come in.
    ///   - clock: seconds that do not go back.
    init(stamp: @escaping @Sendable () -> Int, clock: @escaping @Sendable () -> Int64) {
        (self.stamp, self.clock) = (stamp, clock)
    }

    /// A token that opens the dashboard once.
    func makeLink() -> String {
        let token = Self.secret()
        let expires = clock() + Self.linkLifetime
        state.withLock { $0.link = (token, expires) }
        return token
    }

    /// A session for the link's token; nil: it is another one, was used, or is too old.
    func open(link token: String) -> String? {
        let now = clock()
        let isRight = state.withLock { state in
            guard let link = state.link, now < link.expires, Self.equal(link.token, token) else { return false }
            state.link = nil
            return true
        }
        return isRight ? open(Visitor(name: "", isAdmin: true)) : nil
    }

    func open(_ visitor: Visitor) -> String {
        let id = Self.secret()
        let (expires, stamp) = (clock() + Self.lifetime, stamp())
        state.withLock { state in
            while state.order.count >= Self.maxSessions { state.sessions[state.order.removeFirst()] = nil }
            state.sessions[id] = Session(visitor: visitor, expires: expires, stamp: stamp)
            state.order.append(id)
        }
        return id
    }

    func find(_ id: String) -> Visitor? {
        let (now, stamp) = (clock(), stamp())
        return state.withLock { state in
            guard let session = state.sessions[id] else { return nil }
            if now < session.expires, session.stamp == stamp { return session.visitor }
            state.sessions[id] = nil
            state.order.removeAll { $0 == id }
            return nil
        }
    }

    func close(_ id: String) {
        state.withLock { state in
            if state.sessions.removeValue(forKey: id) != nil { state.order.removeAll { $0 == id } }
        }
    }

    /// 256 bits as hexadecimal digits.
    private static func secret() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Takes the same time wherever they differ.
    private static func equal(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
