import CanonicalModel
import KimiHostCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("Client keys and limits") struct AccessTests {
    @Test(arguments: [
        ("*", "", true), ("*", "a/b", true), ("gpt-*", "gpt-5", true), ("gpt-*", "gpt", false),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abcdef", false), ("*-mini", "gpt-mini-mini", true), ("", "", true), ("", "a", false),
        ("a?c", "abc", false), ("**a", "bca", true),
    ])
    func `a star stands for any characters`(_ pattern: String, _ name: String, _ isMatch: Bool) {
        #expect(NamePattern(pattern).matches(name) == isMatch)
    }

    @Test func `a digest is the SHA-256 and reads itself`() throws {
        let digest = KeyDigest(of: "abc".utf8)
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(digest.text == text)
        #expect(try #require(KeyDigest(text: text.uppercased().replacing("SHA256", with: "sha256"))).matches(digest))
        #expect(!KeyDigest(of: "abd".utf8).matches(digest))
        #expect(KeyDigest(text: String(text.dropLast())) == nil && KeyDigest(text: text + "0") == nil)
        #expect(KeyDigest(text: text.dropLast() + "g") == nil && KeyDigest(text: "") == nil)
    }

    @Test func `a bucket fills steadily and holds a minute's worth`() {
        let start = NIODeadline.uptimeNanoseconds(1)
        var bucket = RateBucket(perMinute: 60, now: start)
        for _ in 0..<60 {
            #expect(bucket.wait(start) == 0)
            bucket.take(1, start)
        }
        #expect(bucket.wait(start) == 1000)
        #expect(bucket.wait(start + .milliseconds(400)) == 600)
        bucket.take(31, start + .seconds(1))
        #expect(bucket.wait(start + .seconds(1)) == 31_000)
        #expect(bucket.wait(start + .hours(1)) == 0)
        var smaller = bucket.changed(perMinute: 1)
        #expect(smaller.wait(start + .hours(1)) == 0)
        smaller.take(1, start + .hours(1))
        #expect(smaller.wait(start + .hours(1)) == 60_000)
    }

    private static func key(_ limits: ClientLimits, _ name: String = "a") throws -> ClientKey {
        try keys(limits, name).find([name])
    }

    private static func keys(_ limits: ClientLimits, _ name: String = "a") -> ClientKeys {
        var config = ClientKeyConfig(name: name, digest: KeyDigest(of: name.utf8))
        config.requestsPerMinute = limits.requestsPerMinute
        config.tokensPerMinute = limits.tokensPerMinute
        config.maxExchanges = limits.maxExchanges
        return ClientKeys(.keys([config]))
    }

    private static func isAdmitted(_ entry: ExchangeGate.Entry) -> Bool {
        if case .admitted = entry { return true }
        return false
    }

    @Test func `those who wait come in order, past those who wait for themselves`() throws {
        let loop = EmbeddedEventLoop()
        let gate = ExchangeGate(.init(maxExchanges: 2, maxQueued: 3, queueMs: 1_000))
        let single = try Self.key(ClientLimits(maxExchanges: 1))
        let other = try Self.key(ClientLimits(), "b")
        #expect(Self.isAdmitted(gate.enter(single, on: loop)))
        guard case .queued(let own, _) = gate.enter(single, on: loop) else { return #expect(Bool(false)) }
        #expect(Self.isAdmitted(gate.enter(other, on: loop)))
        guard case .queued(let second, _) = gate.enter(other, on: loop),
            case .queued(let third, _) = gate.enter(other, on: loop)
        else { return #expect(Bool(false)) }
        guard case .refused(let error) = gate.enter(other, on: loop) else { return #expect(Bool(false)) }
        #expect(error.httpStatus == 503 && error.retryAfterMs != nil)
        gate.leave(other)
        #expect(!gate.cancel(second) && gate.cancel(third), "the second is in, the third was not")
        gate.leave(single)
        #expect(!gate.cancel(own))
        for key in [single, other] { gate.leave(key) }
        #expect(gate.snapshot.active == 0 && gate.snapshot.queued == 0)
        #expect(gate.snapshot.refused[.queueFull] == 1)
    }

    @Test func `a key whose bound was raised has its next request let in at once`() throws {
        let loop = EmbeddedEventLoop()
        let limits = ExchangeGate.Limits(maxExchanges: 9, maxQueued: 9, queueMs: 1_000)
        let gate = ExchangeGate(limits)
        let single = try Self.key(ClientLimits(maxExchanges: 1))
        #expect(Self.isAdmitted(gate.enter(single, on: loop)))
        guard case .queued(let waiter, _) = gate.enter(single, on: loop) else { return #expect(Bool(false)) }
        gate.adopt(limits, Self.keys(ClientLimits(maxExchanges: 2)))
        #expect(!gate.cancel(waiter) && gate.snapshot.active == 2)
    }

    @Test func `those who wait for themselves leave room for others`() throws {
        let loop = EmbeddedEventLoop()
        let gate = ExchangeGate(.init(maxExchanges: 2, maxQueued: 4, queueMs: 1_000))
        let single = try Self.key(ClientLimits(maxExchanges: 1))
        let other = try Self.key(ClientLimits(), "b")
        #expect(Self.isAdmitted(gate.enter(single, on: loop)))
        for _ in 0..<5 { _ = gate.enter(single, on: loop) }
        #expect(gate.snapshot.queued == 2 && gate.snapshot.refused[.queueFull] == 3)
        #expect(Self.isAdmitted(gate.enter(other, on: loop)))
        guard case .queued = gate.enter(other, on: loop) else { return #expect(Bool(false)) }
        gate.drain()
    }

    @Test func `rates are refused with the time to wait, and tokens are owed`() throws {
        let loop = EmbeddedEventLoop()
        let gate = ExchangeGate(.init(maxExchanges: 9, maxQueued: 0, queueMs: 1))
        let key = try Self.key(ClientLimits(requestsPerMinute: 3, tokensPerMinute: 60))
        let start = NIODeadline.uptimeNanoseconds(1)
        #expect(Self.isAdmitted(gate.enter(key, on: loop, now: start)))
        gate.charge(key, tokens: 90, now: start)
        guard case .refused(let error) = gate.enter(key, on: loop, now: start) else { return #expect(Bool(false)) }
        #expect(error.httpStatus == 429 && error.retryAfterMs == 31_000)
        let later = start + .seconds(31)
        #expect(Self.isAdmitted(gate.enter(key, on: loop, now: later)))
        #expect(gate.snapshot.refused == [.tokenRate: 1])
    }

    @Test func `a host that ends lets nobody in, and those who wait hear of it`() throws {
        let loop = EmbeddedEventLoop()
        let gate = ExchangeGate(.init(maxExchanges: 1, maxQueued: 1, queueMs: 1_000))
        #expect(Self.isAdmitted(gate.enter(.anybody, on: loop)))
        guard case .queued(let waiter, _) = gate.enter(.anybody, on: loop) else { return #expect(Bool(false)) }
        gate.drain()
        #expect(throws: ExchangeError.self) { try waiter.admission.wait() }
        guard case .refused(let error) = gate.enter(.anybody, on: loop) else { return #expect(Bool(false)) }
        #expect(error.code == "shutting_down")
    }
}
