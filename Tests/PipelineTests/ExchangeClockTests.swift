import CanonicalModel
import KimiHostCore
import NIOCore
import Testing

@Suite struct ExchangeClockTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func clock(head: Int = 100, idle: Int = 200, total: Int = 0, hold: Int = 50) -> ExchangeClock {
        ExchangeClock(timeouts: RouteTimeouts(head: head, idle: idle, total: total, hold: hold), now: start)
    }

    private func after(_ milliseconds: Int64) -> NIODeadline { start + .milliseconds(milliseconds) }

    @Test func `the head is awaited from sending on`() {
        var clock = clock()
        clock.sent(after(50))
        #expect(clock.overdue(after(149)) == nil)
        #expect(clock.overdue(after(151))?.message.contains("timeouts.head") == true)
    }

    @Test func `every arrival starts the idle wait anew`() {
        var clock = clock()
        clock.sent(start)
        clock.heard(after(90))
        #expect(clock.overdue(after(289)) == nil)
        clock.heard(after(280))
        #expect(clock.overdue(after(479)) == nil)
        #expect(clock.overdue(after(481))?.message.contains("timeouts.idle") == true)
    }

    @Test func `the total goes on whatever arrives`() {
        var clock = clock(total: 300)
        clock.sent(start)
        for time in stride(from: 50, through: 300, by: 50) { clock.heard(after(Int64(time))) }
        #expect(clock.overdue(after(300)) == nil)
        #expect(clock.overdue(after(301))?.message.contains("timeouts.total") == true)
    }

    @Test func `a pause that the plugin asked for is not the upstream's`() {
        var clock = clock()
        clock.waiting(5_000, start)
        #expect(clock.overdue(after(5_000)) == nil)
        #expect(clock.overdue(after(6_100)) != nil)
    }

    @Test func `what is held must be released once per hold`() {
        var clock = clock()
        clock.held(true, start)
        clock.held(true, after(40))
        let early = clock.mustRelease(after(50))
        let due = clock.mustRelease(after(51))
        let again = clock.mustRelease(after(500))
        clock.held(true, after(600))
        clock.held(false, after(620))
        let released = clock.mustRelease(after(900))
        #expect([early, due, again, released] == [false, true, false, false])
    }

    @Test func `a late error body is noticed once`() {
        var clock = clock()
        let without = clock.isErrorBodyLate(after(60_000))
        clock.gotErrorHead(start)
        let early = clock.isErrorBodyLate(after(10_000))
        let late = clock.isErrorBodyLate(after(10_001))
        let again = clock.isErrorBodyLate(after(20_000))
        #expect([without, early, late, again] == [false, false, true, false])
    }

    private func tokenClock() -> ExchangeClock {
        var clock = ExchangeClock(
            timeouts: RouteTimeouts(head: 0, idle: 100, firstToken: 300, betweenTokens: 200), now: start)
        clock.sent(start)
        clock.awaitTokens(start)
        return clock
    }

    @Test func `keep-alives do not put the first token off`() {
        var clock = tokenClock()
        for time in stride(from: Int64(50), through: 350, by: 50) { clock.heard(after(time)) }
        #expect(clock.overdue(after(300)) == nil)
        #expect(clock.overdue(after(301))?.message.contains("timeouts.first_token") == true)
    }

    @Test func `nor the next ones`() {
        var clock = tokenClock()
        clock.gotTokens(after(250))
        for time in stride(from: Int64(250), through: 500, by: 50) { clock.heard(after(time)) }
        #expect(clock.overdue(after(450)) == nil)
        #expect(clock.overdue(after(451))?.message.contains("timeouts.between_tokens") == true)
        clock.gotTokens(after(460))
        #expect(clock.overdue(after(461)) == nil)
    }

    @Test func `a client that takes nothing is not the upstream's fault`() {
        var clock = tokenClock()
        clock.postponeTokens(after(290))
        clock.heard(after(550))
        #expect(clock.overdue(after(580)) == nil)
    }

    @Test func `the next attempt has its own waits within the exchange's time`() {
        var clock = ExchangeClock(timeouts: RouteTimeouts(head: 100, idle: 100, total: 500, firstToken: 50), now: start)
        clock.sent(start)
        clock.awaitTokens(start)
        clock.turned(1_000, after(60))
        #expect(clock.overdue(after(400)) == nil)
        #expect(clock.remainingMs(after(400)) == 100)
        clock.turned(nil, after(400))
        #expect(clock.overdue(after(490)) == nil)
        #expect(clock.overdue(after(501))?.message.contains("timeouts.total") == true)
    }
}
