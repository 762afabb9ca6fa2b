import NIOCore
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Slows the guessing of keys down, address by address, so that who guesses locks nobody else out. Any thread.
final class SignInGuard: Sendable {
    /// Failed sign-ins of one address in a minute; further ones are not looked at.
    private static let maxFailures = 20
    /// Addresses that are told apart in a minute; further ones count as one.
    private static let maxSources = 1_024

    /// Where a request comes from: an IPv4 address, or the first half of an IPv6 address, whose other half its owner
    /// chooses.
    struct Source: Hashable, Sendable {
        static let others = Source(bytes: [])
        private let bytes: [UInt8]

        private init(bytes: [UInt8]) { self.bytes = bytes }

        init(_ address: SocketAddress?) {
            let text = address?.ipAddress ?? ""
            var whole = [UInt8](repeating: 0, count: 16)
            if inet_pton(AF_INET, text, &whole) == 1 {
                bytes = Array(whole.prefix(4))
            } else if inet_pton(AF_INET6, text, &whole) == 1 {
                // An IPv4 address on a socket for both (RFC 4291, 2.5.5.2).
                let isMapped = whole.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
                bytes = Array(isMapped ? whole.suffix(4) : whole.prefix(8))
            } else {
                bytes = []
            }
        }
    }

    private struct State {
        var minute: Int64 = 0
        var failures: [Source: Int] = [:]

        func place(of source: Source) -> Source {
            failures[source] == nil && failures.count >= maxSources ? .others : source
        }
    }

    private let state = Mutex(State())
    private let clock: @Sendable () -> Int64

    /// - Parameter clock: seconds that do not go back.
    init(clock: @escaping @Sendable () -> Int64) { self.clock = clock }

    /// May one more attempt to sign in be looked at?
    func mayTry(_ source: Source) -> Bool {
        let minute = clock() / 60
        return state.withLock { state in
            state.minute != minute || state.failures[state.place(of: source), default: 0] < Self.maxFailures
        }
    }

    func failed(_ source: Source) {
        let minute = clock() / 60
        state.withLock { state in
            if state.minute != minute { (state.minute, state.failures) = (minute, [:]) }
            state.failures[state.place(of: source), default: 0] += 1
        }
    }
}
