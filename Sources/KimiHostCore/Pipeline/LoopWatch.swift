package import NIOCore

/// Something whose waits a ``LoopWatch`` looks after.
package protocol Watched: AnyObject {
    /// In the watch's list; nil when not watched. The watch's own.
    var watchPlace: Int? { get set }
    /// Called once a period.
    func checkClock(_ now: NIODeadline)
}

/// Looks after the waits of one event loop's exchanges, or connections, with one timer for all of them. Event loop only.
package final class LoopWatch<Member: Watched> {
    private let eventLoop: any EventLoop
    private let periodMs: Int64
    /// In no order; each knows its place.
    private var members: [Member] = []
    private var isTicking = false

    package init(eventLoop: any EventLoop, periodMs: Int64) {
        self.eventLoop = eventLoop
        self.periodMs = periodMs
    }

    package func add(_ member: Member) {
        guard member.watchPlace == nil else { return }
        member.watchPlace = members.count
        members.append(member)
        schedule()
    }

    package func remove(_ member: Member) {
        guard let place = member.watchPlace, let last = members.last else { return }
        member.watchPlace = nil
        if last !== member {
            members[place] = last
            last.watchPlace = place
        }
        members.removeLast()
    }

    private func schedule() {
        guard !isTicking else { return }
        isTicking = true
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(periodMs)) { [weak self] in self?.tick() }
    }

    private func tick() {
        isTicking = false
        let now = NIODeadline.now()
        for member in members { member.checkClock(now) }
        if !members.isEmpty { schedule() }
    }
}
