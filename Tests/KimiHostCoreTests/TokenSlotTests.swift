import CanonicalModel
import KimiHostCore
import PluginABI
import PluginHost
import Testing

/// A slot with a clock and a count of fetches; waiters are their ids.
private struct Played {
    var slot = TokenSlot<Int>(owner: "p")
    var now: UInt64 = 1_000_000
    var fetches = 0
    private var asked = 0

    enum Heard: Equatable {
        case token(String), waiting
        case refused(String)
    }

    mutating func ask() -> Heard {
        asked += 1
        let id = asked
        var next: Int? = fetches + 1
        let answer = slot.ask(id, id: id, nextFetch: &next, now: now)
        if next == nil { fetches += 1 }
        return switch answer {
        case .token(let token): .token(String(decoding: token.bytes, as: UTF8.self))
        case .waiting: .waiting
        case .refused(let error): .refused(error.message)
        }
    }

    mutating func grant(
        _ token: String, life: Int64, refresh: UInt64? = nil, fetch: Int? = nil, dice: Double = 0
    ) -> TokenSlot<Int>.Outcome? {
        let grant = TokenGrant(
            token: Array(token.utf8), expiresAt: UInt64(Int64(now) + life), refreshAt: refresh.map { now + $0 })
        return slot.granted(grant, fetch: fetch ?? fetches, now: now, dice: dice)
    }

    mutating func fail(_ message: String = "down", retryAfterMs: Int? = nil) -> TokenSlot<Int>.Outcome? {
        let error = ExchangeError(KIMI_CAT_UPSTREAM, message, retryAfterMs: retryAfterMs)
        return slot.failed(error, fetch: fetches, now: now, dice: 1)
    }
}

@Suite struct TokenSlotTests {
    @Test func waitersShareOneFetch() throws {
        var played = Played()
        for _ in 0..<100 { #expect(played.ask() == .waiting) }
        #expect(played.fetches == 1)
        let outcome = try #require(played.grant("a", life: 3_600_000))
        #expect(outcome.waiters.sorted() == Array(1...100))
        #expect(played.ask() == .token("a") && played.fetches == 1 && !played.slot.isFetching)
    }

    @Test func aWaiterThatWentIsNotTold() throws {
        var played = Played()
        _ = (played.ask(), played.ask())
        played.slot.cancel(id: 1)
        #expect(try #require(played.grant("a", life: 60_000)).waiters == [2])
    }

    @Test func refreshIsAheadAndInTheBackground() throws {
        var played = Played()
        _ = played.ask()
        // A fifth of the life before its end, five minutes at most.
        #expect(try #require(played.grant("a", life: 3_600_000)).refresh?.after == 3_300_000)
        played.now += 3_299_999
        #expect(played.ask() == .token("a") && played.fetches == 1)
        played.now += 1
        #expect(played.ask() == .token("a") && played.fetches == 2)
        #expect(played.ask() == .token("a") && played.fetches == 2)
        #expect(try #require(played.grant("b", life: 3_600_000)).waiters.isEmpty)
        #expect(played.ask() == .token("b"))
    }

    @Test func thePluginSaysWhenToRefresh() throws {
        var played = Played()
        _ = played.ask()
        #expect(try #require(played.grant("a", life: 3_600_000, refresh: 60_000)).refresh?.after == 60_000)
        var (next, other): (Int?, Int?) = (2, 9)
        played.now += 60_000
        played.slot.refreshIsDue(fetch: 7, nextFetch: &other, now: played.now)
        played.slot.refreshIsDue(fetch: 1, nextFetch: &next, now: played.now)
        #expect(next == nil && other == 9)
    }

    @Test func aRefreshAtOnceIsPutOff() throws {
        var played = Played()
        _ = played.ask()
        #expect(try #require(played.grant("a", life: 3_600_000, refresh: 0)).refresh?.after == 10_000)
        _ = played.slot.refused(fetch: 1, now: played.now)
        _ = played.ask()
        #expect(try #require(played.grant("b", life: 4_000, refresh: 0)).refresh?.after == 2_000)
    }

    @Test func jitterNeverReachesTheEnd() throws {
        for (dice, after) in [(0.0, 3_300_000 as UInt64), (0.5, 3_329_000), (0.999, 3_357_942)] {
            var played = Played()
            _ = played.ask()
            #expect(try #require(played.grant("a", life: 3_600_000, dice: dice)).refresh?.after == after)
        }
    }

    @Test func anUnusedTokenIsNotRefreshed() throws {
        var played = Played()
        _ = played.ask()
        played.slot.cancel(id: 1)
        _ = played.grant("a", life: 60_000)
        var next: Int? = 2
        played.slot.refreshIsDue(fetch: 1, nextFetch: &next, now: played.now + 50_000)
        #expect(next == 2)
    }

    @Test func anOldTokenIsNotUsed() throws {
        var played = Played()
        _ = played.ask()
        _ = played.grant("a", life: 60_000)
        played.now += 53_999
        #expect(played.ask() == .token("a"))
        played.now += 1  // A tenth of its life is left.
        #expect(played.ask() == .waiting)
    }

    @Test func aTokenThatHasExpiredIsAFailure() throws {
        for life: Int64 in [0, -60_000] {
            var played = Played()
            _ = played.ask()
            let outcome = try #require(played.grant("secret", life: life))
            guard case .failure(let error) = outcome.result else {
                Issue.record("taken")
                return
            }
            #expect(outcome.waiters == [1] && error.message.contains("already expired"))
            #expect(error.message.contains("provider 'p'") && !error.message.contains("secret"))
            guard case .refused = played.ask() else {
                Issue.record("no pause")
                return
            }
        }
    }

    @Test func pausesGrowUpToABound() throws {
        var played = Played()
        var pauses: [UInt64] = []
        for _ in 0..<8 {
            #expect(played.ask() == .waiting)
            let outcome = try #require(played.fail())
            guard case .failure(let error) = outcome.result, let pause = error.retryAfterMs else {
                Issue.record("no failure")
                return
            }
            pauses.append(UInt64(pause))
            played.now += UInt64(pause) - 1
            guard case .refused(let message) = played.ask() else {
                Issue.record("no pause")
                return
            }
            #expect(message.contains("down") && message.contains("next try is in 1 s"))
            played.now += 1
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { $0 * 1_000 })
        _ = (played.ask(), played.grant("a", life: 60_000))
        _ = (played.slot.refused(fetch: played.fetches, now: played.now), played.ask())
        guard case .failure(let error) = try #require(played.fail()).result else {
            Issue.record("no failure")
            return
        }
        #expect(error.retryAfterMs == 1_000)  // A success begins anew.
    }

    @Test func anEndpointMayAskForALongerPauseWithinBounds() throws {
        for (asked, kept) in [(5_000, 5_000), (86_400_000, 300_000)] {
            var played = Played()
            _ = played.ask()
            guard case .failure(let error) = try #require(played.fail(retryAfterMs: asked)).result else {
                Issue.record("no failure")
                return
            }
            #expect(error.retryAfterMs == kept)
        }
    }

    @Test func aClockThatIsSetBackDoesNotProlongThePause() {
        var played = Played()
        _ = (played.ask(), played.fail())
        played.now -= 500_000
        #expect(played.ask() == .waiting)
    }

    @Test func aFailedRefreshIsTriedAgain() throws {
        var played = Played()
        _ = played.ask()
        _ = played.grant("a", life: 3_600_000)
        played.now += 3_300_000
        #expect(played.ask() == .token("a") && played.fetches == 2)
        let retry = try #require(try #require(played.fail()).refresh)
        #expect(retry.fetch == 1 && retry.after == 1_000)
        #expect(played.ask() == .token("a") && played.fetches == 2)
        played.now += 1_000
        #expect(played.ask() == .token("a") && played.fetches == 3)
    }

    @Test func aRefusedTokenIsForgottenOnce() {
        var played = Played()
        _ = (played.ask(), played.grant("a", life: 3_600_000))
        #expect(played.slot.refused(fetch: 1, now: played.now) == .askAgain)
        #expect(played.slot.refused(fetch: 1, now: played.now) == .askAgain)  // Others come for the same token.
        #expect(played.ask() == .waiting && played.fetches == 2)
        _ = played.grant("b", life: 3_600_000)
        #expect(played.slot.refused(fetch: 1, now: played.now) == .askAgain)
        #expect(played.ask() == .token("b"))
        #expect(played.slot.refused(fetch: 2, now: played.now + 9_999) == .giveUp)
        #expect(played.ask() == .token("b"))
        #expect(played.slot.refused(fetch: 2, now: played.now + 10_000) == .askAgain)
    }

    @Test func aFetchOfThePastChangesNothing() {
        var played = Played()
        _ = played.ask()
        #expect(played.grant("a", life: 60_000, fetch: 9) == nil)
        #expect(played.slot.isFetching && played.slot.waiterCount == 1)
    }

    @Test func waitersAreBounded() {
        var played = Played()
        for _ in 0..<TokenLimits.maxWaiters { _ = played.ask() }
        #expect(played.ask() == .refused("more than 10000 requests wait for a token of provider 'p'"))
        #expect(played.slot.waiterCount == TokenLimits.maxWaiters)
    }
}

@Suite struct TokenTableTests {
    @Test func keysAreBoundedAndTheOldestGoes() throws {
        var table = TokenTable<Int>(owner: "p")
        for key in 0..<TokenLimits.maxKeys {
            let start = try #require(table.ask(key, id: key, key: "k\(key)", now: 1).start)
            #expect(start == key + 1)
        }
        guard case .refused(let error) = table.ask(0, id: 99, key: "more", now: 1).answer else {
            Issue.record("every place is taken by a fetch")
            return
        }
        #expect(error.message.contains("64 different tokens"))
        let grant = TokenGrant(token: [1], expiresAt: 100_000)
        for key in [5, 3] {
            let outcome = table.finished(
                { $0.granted(grant, fetch: key + 1, now: 1, dice: 0) }, key: "k\(key)")
            #expect(outcome?.waiters == [key])
        }
        #expect(table.ask(0, id: 100, key: "k3", now: 2).start == nil)  // Used later than k5.
        #expect(table.ask(0, id: 101, key: "more", now: 2).start == 65)
        #expect(table.count == TokenLimits.maxKeys)
        #expect(table.ask(0, id: 102, key: "k3", now: 3).start == nil)
        #expect(table.finished({ $0.granted(grant, fetch: 6, now: 1, dice: 0) }, key: "k5") == nil)
    }
}
