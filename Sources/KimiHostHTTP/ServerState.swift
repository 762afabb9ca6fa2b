import Synchronization

/// How far the host's life has come. Any thread.
final class ServerState: Sendable {
    enum Phase: UInt8, Comparable {
        case starting, serving
        /// SIGTERM has come; requests are still served, so that those who route them here have time to notice.
        case noticing
        /// New requests are refused, replies under way go on.
        case draining
        /// Replies still under way are ended.
        case over

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    private let value = Atomic<UInt8>(Phase.starting.rawValue)

    var phase: Phase { Phase(rawValue: value.load(ordering: .relaxed)) ?? .over }

    var isReady: Bool { phase == .serving }
    /// Connections are closed behind their replies.
    var isEnding: Bool { phase >= .noticing }
    var isOver: Bool { phase == .over }

    /// Never back.
    func move(to phase: Phase) { value.max(phase.rawValue, ordering: .relaxed) }
}
