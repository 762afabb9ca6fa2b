import CanonicalModel
import KimiHostCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("Routes with a bound") struct RouteSlotsTests {
    private let loop = EmbeddedEventLoop()

    @Test func `a route without a bound counts`() {
        let slots = RouteSlots()
        #expect(slots.acquire() && slots.acquire() && slots.active == 2 && !slots.isFull)
        slots.release()
        #expect(slots.active == 1)
    }

    @Test func `who waits is let in by turns, and a slot that is passed on stays taken`() throws {
        let slots = RouteSlots(limit: 1)
        #expect(slots.acquire() && slots.isFull && !slots.acquire())
        let waiters = (0..<3).map { _ in RouteSlots.Waiter(on: loop) }
        for (place, waiter) in waiters.enumerated() { slots.enqueue(waiter, place: place) }
        #expect(waiters[0].cancel())
        #expect(throws: CancellationError.self) { try waiters[0].admission.wait() }
        slots.release()
        #expect(try waiters[1].admission.wait() == 1)
        #expect(slots.active == 1 && !slots.acquire() && !waiters[1].cancel())
        slots.remove(waiters[2])
        slots.release()
        #expect(slots.active == 0)
        #expect(waiters[2].cancel())
        _ = try? waiters[2].admission.wait()
    }

    @Test func `who waits for several is let in by one`() throws {
        let routes = [RouteSlots(limit: 1), RouteSlots(limit: 1)]
        for slots in routes { #expect(slots.acquire()) }
        let waiter = RouteSlots.Waiter(on: loop)
        for (place, slots) in routes.enumerated() { slots.enqueue(waiter, place: place) }
        routes[1].release()
        #expect(try waiter.admission.wait() == 1)
        routes[0].release()
        #expect(routes.map(\.active) == [0, 1])
    }

    @Test func `room that came meanwhile is taken at once`() throws {
        let slots = RouteSlots(limit: 1)
        let waiter = RouteSlots.Waiter(on: loop)
        slots.enqueue(waiter, place: 7)
        #expect(try waiter.admission.wait() == 7)
        #expect(slots.active == 1)
    }

    @Test func `no slot is lost or made, whoever comes and goes`() async {
        let slots = RouteSlots(limit: 4)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2_000 where slots.acquire() {
                        #expect(slots.active <= 4)
                        slots.release()
                    }
                }
            }
        }
        #expect(slots.active == 0)
    }
}

@Suite("The bounded queue of routes") struct RouteQueueTests {
    @Test func `so many wait and no more`() {
        let state = RoutingState(
            policy: RoutingPolicy(), budgetShare: 0, queue: RouteQueueLimits(maxQueued: 2, queueMs: 1))
        #expect(state.beginWait() && state.beginWait() && !state.beginWait() && state.queued == 2)
        state.endWait()
        #expect(state.beginWait() && state.queued == 2)
    }
}

@Suite("Continuing a text") struct TextOverlapTests {
    private static let text = "This sentence is longer than thirty-two bytes.  \n"

    /// What is new of a continuation that comes in two pieces.
    private func new(_ continuation: String, after text: String, cut: Int) -> String {
        var overlap = TextOverlap(after: Array(text.utf8))
        let bytes = Array(continuation.utf8)
        var found: [UInt8] = []
        for piece in [bytes[..<cut], bytes[cut...]] {
            found += Array(piece).withUnsafeBytes { overlap.take($0) }
        }
        return String(decoding: found + overlap.flush(), as: UTF8.self)
    }

    @Test(arguments: [
        (text + "And on.", "And on."), ("And on.", "And on."), ("  \nAnd on.", "And on."), ("  And on.", "And on."),
        ("\nAnd on.", "\nAnd on."), ("This sentence is not.", "This sentence is not."), ("This", "This"), ("", ""),
        ("This sentence is longer than thirty-two bytes. And on.", "And on."),
        (text + text + "And on.", text + "And on."),
    ])
    func `what was said is not repeated, wherever it is cut`(_ continuation: String, _ expected: String) {
        for cut in 0...continuation.utf8.count {
            #expect(new(continuation, after: Self.text, cut: cut) == expected)
        }
    }

    @Test func `a short text may be said again`() {
        for cut in 0...4 { #expect(new("ha ha", after: "ha ", cut: cut) == "ha ha") }
        for cut in 0...3 { #expect(new(" ha", after: "ha ", cut: cut) == "ha") }
    }
}

@Suite("Telling an upstream what was said") struct PrefillTests {
    private func added(_ text: String, _ style: ResumeStyle, _ json: String) throws -> String? {
        try Prefill.add(Array(text.utf8), style, to: Array(json.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    private let request = #"{ "a" : 1,"messages":[ {"role":"user","content":"h\u00e9"} ] , "model":"m"}"#

    @Test func `a message of the assistant comes last, and all else keeps its bytes`() throws {
        let expected = #"""
            { "a" : 1,"messages":[ {"role":"user","content":"h\u00e9"},{"role":"assistant","content":"a\"b\n🌍"X} ] , "model":"m"Y}
            """#
        for (style, mark, members) in [
            (ResumeStyle.assistant, "", ""), (.prefix, #","prefix":true"#, ""), (.partial, #","partial":true"#, ""),
            (.continueFinalMessage, "", #","continue_final_message":true,"add_generation_prompt":false"#),
        ] {
            let whole = expected.replacing("X}", with: mark + "}").replacing("Y}", with: members + "}")
            #expect(try added("a\"b\n🌍", style, request) == whole)
        }
    }

    @Test func `the client's own beginning is gone on with`() throws {
        let begun = #"{"messages":[{"role":"user","content":"x"},{"content":"On\u0065 ","role":"assistant"}]}"#
        #expect(
            try added("two", .prefix, begun)
                == #"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"On\u0065 two","prefix":true}]}"#
        )
    }

    @Test(arguments: [
        #"{"messages":[{"role":"assistant","content":"x","tool_calls":[{}]}]}"#,
        #"{"messages":[{"role":"assistant","content":[{"type":"text","text":"x"}]}]}"#,
        #"{"messages":[{"role":"assistant"}]}"#, #"{"messages":[]}"#, #"{"model":"m"}"#,
    ])
    func `where there is no room for it, nothing is made up`(_ json: String) throws {
        #expect(try added("text", .assistant, json) == nil)
    }

    @Test func `an empty text changes nothing`() throws {
        #expect(try added("", .continueFinalMessage, request) == request)
    }
}

@Suite("What a request is thought to cost") struct TokenEstimateTests {
    @Test func `text by its length, files by their number`() {
        let text = Array(String(repeating: "some words ", count: 400).utf8)
        #expect(ExchangeCharge.estimate(text) == text.count / ExchangeCharge.bytesPerToken)
        let file = Array(String(repeating: "iVBORw0KGgo+/=", count: 10_000).utf8)
        let found = ExchangeCharge.estimate(text + Array("\"".utf8) + file + Array("\"".utf8))
        #expect(abs(found - text.count / 4 - ExchangeCharge.tokensPerFile) <= 1)
        #expect(ExchangeCharge.estimate([]) == 1)
    }
}

@Suite("Who may use /admin/") struct AdminRulesTests {
    private let key = "kh-admin-0123456789"

    private func refusal(
        _ config: HostConfig, offered: [String] = [], isChange: Bool = true, host: String? = "127.0.0.1:8000",
        origin: String? = nil, isCrossSite: Bool = false
    ) -> Int {
        do throws(ExchangeError) {
            try AdminRules(config).check(
                offered: offered, ClientKeys(config.auth), isChange: isChange, host: host, origin: origin,
                isCrossSite: isCrossSite)
            return 0
        } catch {
            return error.httpStatus
        }
    }

    @Test func `without keys it is open on this machine only, under its own names, to its own pages`() {
        var config = HostConfig()
        #expect(refusal(config) == 0 && refusal(config, host: "[::1]:8000") == 0 && refusal(config, host: nil) == 0)
        #expect(refusal(config, host: "evil.example:8000") == 403)
        #expect(refusal(config, origin: "http://127.0.0.1:8000") == 0)
        #expect(refusal(config, origin: "http://evil.example") == 403 && refusal(config, origin: "null") == 403)
        #expect(refusal(config, isCrossSite: true) == 403)
        config.auth = .open
        config.server.host = "0.0.0.0"
        #expect(refusal(config) == 403 && refusal(config, isChange: false) == 0)
    }

    @Test func `the admin's key opens it everywhere, and nothing else does then`() {
        var config = HostConfig()
        config.server.host = "0.0.0.0"
        config.adminKey = KeyDigest(of: key.utf8)
        #expect(refusal(config, offered: ["other", key], host: "host.example") == 0)
        #expect(refusal(config, offered: ["other"]) == 401 && refusal(config, isChange: false) == 401)
        #expect(refusal(config, offered: [key], origin: "http://evil.example") == 403)
    }
}
