import CanonicalModel
import KimiHostCore
import PluginABI
import PluginHost
import Testing

/// A slot with a clock and a count of fetches; waiters are their ids.
private final class Played {
    var slot = TokenSlot<Int>(owner: "p")
    var now: UInt64 = 1_000_000
    var fetches = 0
    private var asked = 0

    enum Heard: Equatable {
        case token(String), waiting
        case refused(String)
    }

    func ask() -> Heard {
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

    func grant(
        _ token: String, life: Int64, refresh: UInt64? = nil, fetch: Int? = nil, dice: Double = 0
    ) -> TokenSlot<Int>.Outcome? {
        let grant = TokenGrant(
            token: Array(token.utf8), expiresAt: UInt64(Int64(now) + life), refreshAt: refresh.map { now + $0 })
        return slot.granted(grant, fetch: fetch ?? fetches, now: now, dice: dice)
    }

    func refused(fetch: Int, after milliseconds: UInt64 = 0) -> TokenSlot<Int>.Refusal {
        slot.refused(fetch: fetch, now: now + milliseconds)
    }

    func fail(_ message: String = "down", retryAfterMs: Int? = nil) -> TokenSlot<Int>.Outcome? {
        let error = ExchangeError(KIMI_CAT_UPSTREAM, message, retryAfterMs: retryAfterMs)
        return slot.failed(error, fetch: fetches, now: now, dice: 1)
    }
}

@Suite struct TokenSlotTests {
    @Test func waitersShareOneFetch() throws {
        let played = Played()
        for _ in 0..<100 { #expect(played.ask() == .waiting) }
        #expect(played.fetches == 1)
        let outcome = try #require(played.grant("a", life: 3_600_000))
        #expect(outcome.waiters.sorted() == Array(1...100))
        #expect(played.ask() == .token("a") && played.fetches == 1 && !played.slot.isFetching)
    }

    @Test func aNewInstanceGoesOnWithTokenAndPauseOfTheOldOne() throws {
        let played = Played()
        #expect(played.ask() == .waiting)
        played.slot = played.slot.inherited
        #expect(!played.slot.isFetching && played.slot.waiterCount == 0, "what is under way stays with the old one")
        #expect(played.ask() == .waiting && played.fetches == 2)
        _ = try #require(played.grant("a", life: 3_600_000))
        played.slot = played.slot.inherited
        #expect(played.ask() == .token("a") && played.fetches == 2)
        #expect(played.refused(fetch: 2) == .askAgain, "it still knows where the token came from")
        #expect(played.ask() == .waiting)
        _ = played.fail()
        played.slot = played.slot.inherited
        if case .refused = played.ask() {} else { Issue.record("the pause is forgotten") }
    }

    @Test func aWaiterThatWentIsNotTold() throws {
        let played = Played()
        _ = (played.ask(), played.ask())
        played.slot.cancel(id: 1)
        #expect(try #require(played.grant("a", life: 60_000)).waiters == [2])
    }

    @Test func refreshIsAheadAndInTheBackground() throws {
        let played = Played()
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
        let played = Played()
        _ = played.ask()
        #expect(try #require(played.grant("a", life: 3_600_000, refresh: 60_000)).refresh?.after == 60_000)
        var (next, other): (Int?, Int?) = (2, 9)
        played.now += 60_000
        played.slot.refreshIsDue(fetch: 7, nextFetch: &other, now: played.now)
        played.slot.refreshIsDue(fetch: 1, nextFetch: &next, now: played.now)
        #expect(next == nil && other == 9)
    }

    @Test func aRefreshAtOnceIsPutOff() throws {
        let played = Played()
        _ = played.ask()
        #expect(try #require(played.grant("a", life: 3_600_000, refresh: 0)).refresh?.after == 10_000)
        _ = played.refused(fetch: 1)
        _ = played.ask()
        #expect(try #require(played.grant("b", life: 4_000, refresh: 0)).refresh?.after == 2_000)
    }

    @Test func jitterNeverReachesTheEnd() throws {
        for (dice, after) in [(0.0, 3_300_000 as UInt64), (0.5, 3_329_000), (0.999, 3_357_942)] {
            let played = Played()
            _ = played.ask()
            #expect(try #require(played.grant("a", life: 3_600_000, dice: dice)).refresh?.after == after)
        }
    }

    @Test func anUnusedTokenIsNotRefreshed() throws {
        let played = Played()
        _ = played.ask()
        played.slot.cancel(id: 1)
        _ = played.grant("a", life: 60_000)
        var next: Int? = 2
        played.slot.refreshIsDue(fetch: 1, nextFetch: &next, now: played.now + 50_000)
        #expect(next == 2)
    }

    @Test func anOldTokenIsNotUsed() throws {
        let played = Played()
        _ = played.ask()
        _ = played.grant("a", life: 60_000)
        played.now += 53_999
        #expect(played.ask() == .token("a"))
        played.now += 1  // A tenth of its life is left.
        #expect(played.ask() == .waiting)
    }

    @Test func aTokenThatHasExpiredIsAFailure() throws {
        for life: Int64 in [0, -60_000] {
            let played = Played()
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
        let played = Played()
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
        _ = (played.refused(fetch: played.fetches), played.ask())
        guard case .failure(let error) = try #require(played.fail()).result else {
            Issue.record("no failure")
            return
        }
        #expect(error.retryAfterMs == 1_000)  // A success begins anew.
    }

    @Test func anEndpointMayAskForALongerPauseWithinBounds() throws {
        for (asked, kept) in [(5_000, 5_000), (86_400_000, 300_000)] {
            let played = Played()
            _ = played.ask()
            guard case .failure(let error) = try #require(played.fail(retryAfterMs: asked)).result else {
                Issue.record("no failure")
                return
            }
            #expect(error.retryAfterMs == kept)
        }
    }

    @Test func aClockThatIsSetBackDoesNotProlongThePause() {
        let played = Played()
        _ = (played.ask(), played.fail())
        played.now -= 500_000
        #expect(played.ask() == .waiting)
    }

    @Test func aFailedRefreshIsTriedAgain() throws {
        let played = Played()
        _ = played.ask()
        _ = played.grant("a", life: 3_600_000)
        played.now += 3_300_000
        #expect(played.ask() == .token("a") && played.fetches == 2)
        let failed = try #require(played.fail())
        let retry = try #require(failed.refresh)
        #expect(retry.fetch == 1 && retry.after == 1_000)
        #expect(played.ask() == .token("a") && played.fetches == 2)
        played.now += 1_000
        #expect(played.ask() == .token("a") && played.fetches == 3)
    }

    @Test func aRefusedTokenIsForgottenOnce() {
        let played = Played()
        _ = (played.ask(), played.grant("a", life: 3_600_000))
        #expect(played.refused(fetch: 1) == .askAgain)
        #expect(played.refused(fetch: 1) == .askAgain)  // Others come for the same token.
        #expect(played.ask() == .waiting && played.fetches == 2)
        _ = played.grant("b", life: 3_600_000)
        #expect(played.refused(fetch: 1) == .askAgain)
        #expect(played.ask() == .token("b"))
        #expect(played.refused(fetch: 2, after: 9_999) == .giveUp)
        #expect(played.ask() == .token("b"))
        #expect(played.refused(fetch: 2, after: 10_000) == .askAgain)
    }

    @Test func aFetchOfThePastChangesNothing() {
        let played = Played()
        _ = played.ask()
        #expect(played.grant("a", life: 60_000, fetch: 9) == nil)
        #expect(played.slot.isFetching && played.slot.waiterCount == 1)
    }

    @Test func waitersAreBounded() {
        let played = Played()
        for _ in 0..<TokenLimits.maxWaiters { _ = played.ask() }
        #expect(played.ask() == .refused("more than 10000 requests wait for a token of provider 'p'"))
        #expect(played.slot.waiterCount == TokenLimits.maxWaiters)
    }
}

/// A table that the macros can call.
private final class Table {
    var table = TokenTable<Int>(owner: "p")

    func start(_ id: Int, _ key: String) -> Int? { table.ask(id, id: id, key: key, now: 1).start }

    func granted(_ fetch: Int, _ key: String) -> TokenSlot<Int>.Outcome? {
        let grant = TokenGrant(token: [1], expiresAt: 100_000)
        return table.finished({ $0.granted(grant, fetch: fetch, now: 1, dice: 0) }, key: key)
    }
}

@Suite struct TokenTableTests {
    @Test func keysAreBoundedAndTheOldestGoes() throws {
        let table = Table()
        for key in 0..<TokenLimits.maxKeys {
            let start = try #require(table.start(key, "k\(key)"))
            #expect(start == key + 1)
        }
        guard case .refused(let error) = table.table.ask(0, id: 99, key: "more", now: 1).answer else {
            Issue.record("every place is taken by a fetch")
            return
        }
        #expect(error.message.contains("64 different tokens"))
        for key in [5, 3] {
            #expect(table.granted(key + 1, "k\(key)")?.waiters == [key])
        }
        #expect(table.start(100, "k3") == nil)  // Used later than k5.
        #expect(table.start(101, "more") == 65)
        #expect(table.table.count == TokenLimits.maxKeys)
        #expect(table.start(102, "k3") == nil)
        #expect(table.granted(6, "k5") == nil)
    }
}
