/// The routes of one exchange in the order that their strategy wants, with the health of each and of its keys.
package protocol Lanes {
    /// At least 1.
    var count: Int { get }
    func health(ofRoute route: Int) -> Health
    /// At least 1.
    func keyCount(ofRoute route: Int) -> Int
    func health(ofKey key: Int, ofRoute route: Int) -> Health
    /// Whose turn it is among a route's keys.
    func turn(ofRoute route: Int) -> Int
    /// Has it as many attempts under way as it may have?
    func isBusy(_ route: Int) -> Bool
}

extension Lanes {
    package func isBusy(_ route: Int) -> Bool { false }
}

/// Where one attempt goes.
package struct AttemptChoice: Sendable, Equatable {
    /// The place in the exchange's order.
    package let route: Int
    package let key: Int
    package var isRouteProbe = false
    package var isKeyProbe = false

    package init(route: Int, key: Int, isRouteProbe: Bool = false, isKeyProbe: Bool = false) {
        self.route = route
        self.key = key
        self.isRouteProbe = isRouteProbe
        self.isKeyProbe = isKeyProbe
    }
}

/// Chooses where each attempt of one exchange goes: every route and key has its turn, those that are not cold first;
/// then some are tried again, after a pause. A value; times as in ``Cooldown``.
package struct AttemptPlanner<Order: Lanes> {
    package enum Next: Sendable, Equatable {
        case now(AttemptChoice)
        case after(milliseconds: Int, AttemptChoice)
        case giveUp
    }

    /// What is known of one key of one route in this exchange.
    private struct Mark {
        let route: Int
        let key: Int
        /// The number of its last attempt; 0: it had none.
        var attempt = 0
        /// Its whole route had its turn.
        var isSpent = false
        var canRepeat = false
        var notBefore: Int64 = 0
    }

    package let order: Order
    private let policy: RoutingPolicy
    /// Attempts chosen so far.
    package private(set) var attempts = 0
    /// Of those, the ones that went where one had been before.
    package private(set) var repeats = 0
    /// Empty until something fails.
    private var marks: [Mark] = []

    package init(_ order: Order, _ policy: RoutingPolicy) {
        self.order = order
        self.policy = policy
    }

    /// Could another attempt follow, should this one fail?
    package var mayFollow: Bool {
        attempts < RoutingPolicy.maxAttempts && (hasUntried || repeats < policy.retries)
    }

    /// Is there a route or key that had no turn?
    package var hasUntried: Bool {
        guard attempts < RoutingPolicy.maxAttempts else { return false }
        return marks.isEmpty
            ? order.count > 1 || order.keyCount(ofRoute: 0) > 1 : marks.contains { $0.attempt == 0 && !$0.isSpent }
    }

    /// Where the first attempt goes.
    package mutating func first(_ now: Int64) -> AttemptChoice {
        attempts = 1
        return open(now) ?? leastCold() ?? leastCold(isBusy: true) ?? AttemptChoice(route: 0, key: 0)
    }

    /// Where a reply goes on that broke off: at one of `places`, the best first, even if it had its turn. nil: nowhere.
    package mutating func resume(at places: [Int], _ now: Int64) -> AttemptChoice? {
        guard attempts < RoutingPolicy.maxAttempts else { return nil }
        let free = places.filter { !order.isBusy($0) }
        for route in free.isEmpty ? places : free {
            guard let choice = claim(route, now) else { continue }
            attempts += 1
            return choice
        }
        guard let route = (free.isEmpty ? places : free).first else { return nil }
        attempts += 1
        return AttemptChoice(route: route, key: leastColdKey(ofRoute: route))
    }

    /// Where an exchange goes that waited for `route` and is let in.
    package func admitted(to route: Int, _ now: Int64) -> AttemptChoice {
        claim(route, now) ?? AttemptChoice(route: route, key: leastColdKey(ofRoute: route))
    }

    /// Where the next one goes. `remainingMs`: what is left of the exchange's time; nil: no limit. `chance`: from 0 up
    /// to 1. `mayRepeat` is asked only if something is to be repeated.
    package mutating func next(
        after failure: AttemptFailure, of choice: AttemptChoice, now: Int64, remainingMs: Int64?, chance: Double,
        mayRepeat: () -> Bool
    ) -> Next {
        mark(failure, choice, now)
        guard failure.fault != .request, attempts < RoutingPolicy.maxAttempts else { return .giveUp }
        if let remainingMs, remainingMs <= 0 { return .giveUp }
        if let choice = open(now) ?? leastCold() ?? leastCold(isBusy: true) {
            attempts += 1
            return .now(choice)
        }
        return again(now, remainingMs, chance, mayRepeat)
    }

    // MARK: Inside

    private mutating func mark(_ failure: AttemptFailure, _ choice: AttemptChoice, _ now: Int64) {
        if marks.isEmpty {
            for route in 0..<order.count {
                for key in 0..<order.keyCount(ofRoute: route) { marks.append(Mark(route: route, key: key)) }
            }
        }
        for place in marks.indices where marks[place].route == choice.route {
            if failure.fault != .key { marks[place].isSpent = true }
            // What the route cannot do, no key of it can; what it could not do now, each may try again.
            if failure.fault == .route, marks[place].attempt == 0 { marks[place].canRepeat = failure.canRepeat }
            guard marks[place].key == choice.key else { continue }
            marks[place].attempt = attempts
            let wait = failure.retryAfterMs ?? 0
            marks[place].canRepeat = failure.canRepeat && wait <= policy.maxRetryAfterMs
            marks[place].notBefore = now + Int64(min(wait, policy.maxRetryAfterMs))
        }
    }

    private func isUntried(_ route: Int, _ key: Int) -> Bool {
        guard !marks.isEmpty else { return true }
        return marks.contains { $0.route == route && $0.key == key && $0.attempt == 0 && !$0.isSpent }
    }

    /// The first route and key that had no turn and are not cold, claimed.
    private func open(_ now: Int64) -> AttemptChoice? {
        for route in 0..<order.count {
            let keys = order.keyCount(ofRoute: route)
            guard !order.isBusy(route), order.health(ofRoute: route).isOpen(now),
                (0..<keys).contains(where: { isUntried(route, $0) })
            else { continue }
            let turn = keys > 1 ? order.turn(ofRoute: route) : 0
            for step in 0..<keys {
                let key = (turn + step) % keys
                guard isUntried(route, key), let choice = claim(route, key, now) else { continue }
                return choice
            }
        }
        return nil
    }

    /// The key whose turn it is, or the next one that is not cold.
    private func claim(_ route: Int, _ now: Int64) -> AttemptChoice? {
        let keys = order.keyCount(ofRoute: route)
        let turn = keys > 1 ? order.turn(ofRoute: route) : 0
        for step in 0..<keys {
            if let choice = claim(route, (turn + step) % keys, now) { return choice }
        }
        return nil
    }

    private func leastColdKey(ofRoute route: Int) -> Int {
        (0..<order.keyCount(ofRoute: route)).min { left, right in
            let leftFrom = order.health(ofKey: left, ofRoute: route).cooldown.openFrom
            return leftFrom < order.health(ofKey: right, ofRoute: route).cooldown.openFrom
        } ?? 0
    }

    private func claim(_ route: Int, _ key: Int, _ now: Int64) -> AttemptChoice? {
        let health = order.health(ofKey: key, ofRoute: route)
        guard health.isOpen(now) else { return nil }
        let ofRoute = order.health(ofRoute: route).claim(now)
        guard ofRoute != .no else { return nil }
        let ofKey = health.claim(now)
        guard ofKey != .no else {
            if ofRoute == .probe { order.health(ofRoute: route).abandoned(now) }
            return nil
        }
        return AttemptChoice(route: route, key: key, isRouteProbe: ofRoute == .probe, isKeyProbe: ofKey == .probe)
    }

    /// Everything that had no turn is cold: being cold is advice, and no answer is worse.
    private func leastCold(isBusy: Bool = false) -> AttemptChoice? {
        var best: (choice: AttemptChoice, from: Int64)?
        for route in 0..<order.count where order.isBusy(route) == isBusy {
            for key in 0..<order.keyCount(ofRoute: route) where isUntried(route, key) {
                let from = max(
                    order.health(ofRoute: route).cooldown.openFrom,
                    order.health(ofKey: key, ofRoute: route).cooldown.openFrom)
                if from < best?.from ?? .max { best = (AttemptChoice(route: route, key: key), from) }
            }
        }
        return best?.choice
    }

    /// Everything had its turn: the one that may be asked again soonest, after a pause.
    private mutating func again(
        _ now: Int64, _ remainingMs: Int64?, _ chance: Double, _ mayRepeat: () -> Bool
    ) -> Next {
        guard repeats < policy.retries,
            let mark = marks.filter(\.canRepeat).min(by: { ($0.notBefore, $0.attempt) < ($1.notBefore, $1.attempt) })
        else { return .giveUp }
        let pause = max(Int64(policy.pauseMs(before: repeats, chance: chance)), mark.notBefore - now)
        if let remainingMs, pause >= remainingMs { return .giveUp }
        guard mayRepeat() else { return .giveUp }
        repeats += 1
        attempts += 1
        return .after(milliseconds: Int(pause), AttemptChoice(route: mark.route, key: mark.key))
    }
}
