package import NIOCore
import Synchronization

/// How many attempts a route has under way, and who waits for one of them to end. Any thread; a route without a bound
/// costs one atomic step when an attempt begins and one when it ends.
package final class RouteSlots: Sendable {
    /// An exchange that waits for any of several routes. The first that has room lets it in.
    package final class Waiter: Sendable {
        private let promise: EventLoopPromise<Int>
        private let isOver = Atomic<Bool>(false)

        /// Succeeds with the place of the route that it was let in to, and whose slot it then has.
        package var admission: EventLoopFuture<Int> { promise.futureResult }

        package init(on eventLoop: any EventLoop) {
            promise = eventLoop.makePromise(of: Int.self)
        }

        /// It waits no more. False: it has been let in already.
        package func cancel() -> Bool {
            guard claim() else { return false }
            promise.fail(CancellationError())
            return true
        }

        fileprivate func claim() -> Bool { !isOver.exchange(true, ordering: .acquiringAndReleasing) }
        fileprivate func admit(to place: Int) { promise.succeed(place) }
    }

    private struct State {
        var waiting: [(waiter: Waiter, place: Int)] = []
    }

    /// The most that are under way at once; nil: no bound.
    package let limit: Int?
    private let count = Atomic<Int>(0)
    private let state = Mutex(State())

    package init(limit: Int? = nil) {
        self.limit = limit
    }

    /// Attempts under way.
    package var active: Int { count.load(ordering: .relaxed) }

    package var isFull: Bool { limit.map { active >= $0 } ?? false }

    /// Takes a slot. False when there is none.
    package func acquire() -> Bool {
        guard let limit else {
            count.wrappingAdd(1, ordering: .relaxed)
            return true
        }
        return state.withLock { _ in
            guard active < limit else { return false }
            count.wrappingAdd(1, ordering: .relaxed)
            return true
        }
    }

    /// Gives a slot back, or on to who has waited longest.
    package func release() {
        guard limit != nil else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return
        }
        let next = state.withLock { state -> (waiter: Waiter, place: Int)? in
            while let first = state.waiting.first {
                state.waiting.removeFirst()
                if first.waiter.claim() { return first }
            }
            count.wrappingSubtract(1, ordering: .relaxed)
            return nil
        }
        if let next { next.waiter.admit(to: next.place) }
    }

    /// Lets the waiter in now, or when it is its turn. `place`: what it is told then.
    package func enqueue(_ waiter: Waiter, place: Int) {
        let isAdmitted = state.withLock { state in
            guard !isFull else {
                state.waiting.append((waiter, place))
                return false
            }
            guard waiter.claim() else { return false }
            count.wrappingAdd(1, ordering: .relaxed)
            return true
        }
        if isAdmitted { waiter.admit(to: place) }
    }

    /// Forgets a waiter that was let in elsewhere, or has gone.
    package func remove(_ waiter: Waiter) {
        state.withLock { $0.waiting.removeAll { $0.waiter === waiter } }
    }
}

/// Bounds of waiting for a route that has all hands full.
package struct RouteQueueLimits: Sendable, Equatable {
    package var maxQueued: Int
    /// The longest wait, in milliseconds.
    package var queueMs: Int

    package init(maxQueued: Int = 1_000, queueMs: Int = 10_000) {
        self.maxQueued = maxQueued
        self.queueMs = queueMs
    }
}
