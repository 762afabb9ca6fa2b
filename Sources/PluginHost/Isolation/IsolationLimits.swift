/// Bounds on isolated plugins.
package enum IsolationLimits {
    /// A call that takes longer is given up and its child killed, milliseconds.
    package static let callMs: Int64 = 5_000
    /// From the start of a child until it has loaded its plugin, milliseconds.
    package static let startMs: Int64 = 20_000
    /// How often overdue calls are looked for, milliseconds.
    static let watchMs: Int64 = 250
    /// Deaths within `deathWindowMs` after which a plugin is in quarantine.
    package static let maxDeaths = 5
    static let deathWindowMs: Int64 = 60_000
    /// How long a quarantine lasts, milliseconds; then one more child is tried.
    package static let quarantineMs: Int64 = 60_000
    /// Pauses before a new child, by how many died within the window, milliseconds.
    static let restartMs: [Int64] = [0, 0, 100, 400, 1_600]
    /// Bytes that wait for one child; beyond it no attempt is begun.
    static let maxQueuedBytes = 128 << 20
    /// Bytes of one attempt that wait for a child; beyond it the upstream is not read.
    package static let maxAttemptBytes = 256 << 10
    /// Events, notes and the like in one reply of a child. The host works on a reply without a pause, about a microsecond
    /// for each.
    package static let maxReplyItems = 65_536
    /// Exchanges that one child serves at a time.
    static let maxExchanges = 1 << 20
    /// A child that is not needed any more may take so long to end by itself, milliseconds.
    static let graceMs = 1_000
}
