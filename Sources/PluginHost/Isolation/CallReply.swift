import CanonicalModel
import PluginABI

/// Whoever takes what a reply brings, in the order of the plugin's calls of host functions. Each answers nil, or why
/// this call cannot bring that.
protocol ReplyTaker {
    mutating func emit(_ events: UnsafeBufferPointer<kimi_event>) -> String?
    mutating func note(_ kind: kimi_bytes, _ count: UInt64, _ detail: kimi_bytes) -> String?
    mutating func put(_ how: UInt32, _ data: kimi_bytes) -> String?
    mutating func field(_ field: UInt32, _ key: kimi_bytes, _ value: kimi_bytes) -> String?
    mutating func step(_ kind: UInt32, _ id: UInt32, _ argument: UInt64) -> String?
    mutating func fail(_ status: kimi_status, _ category: UInt32, _ retryAfterMs: UInt64, _ message: kimi_bytes)
}

/// A child's reply to one call: what the plugin handed to host functions during it, in order.
struct CallReply {
    let status: kimi_status
    let flags: UInt8
    /// What the plugin's own code took, nanoseconds; nil: not told.
    let nanoseconds: UInt32?
    private let items: WireReader

    init(_ message: WireMessage) {
        var from = message.payload
        flags = message.flags
        status = from.isBad ? kimi_status(KIMI_E_INTERNAL) : from.number()
        nanoseconds = message.flags & IsolationWire.timed == 0 ? nil : from.number()
        items = from
    }

    var isSkipped: Bool { flags & IsolationWire.skipped != 0 }
    var hasExchange: Bool { flags & IsolationWire.noExchange == 0 }
    /// Did it fail by an exception that was not meant to?
    var isRaised: Bool { flags & IsolationWire.raised != 0 }

    /// Does with the items what the host functions would have done; items of kinds that this call cannot bring are
    /// mistakes. Nil, or the sentence that says what was wrong.
    @discardableResult
    func apply(
        errors: ErrorRecord, edit: RequestEditRecord? = nil, plan: PlanRecord? = nil, sink: SinkNode? = nil
    ) -> String? {
        var taker = RecordTaker(errors: errors, edit: edit, plan: plan, sink: sink)
        return apply(to: &taker)
    }

    /// The same for whoever takes them.
    func apply<Taker: ReplyTaker>(to taker: inout Taker) -> String? {
        var from = items
        var left = IsolationLimits.maxReplyItems
        while !from.isAtEnd {
            left -= 1
            guard left >= 0 else { return Self.tooMany }
            let problem: String? =
                switch IsolationWire.Item(rawValue: from.number()) {
                case .events: Self.emit(&from, &taker, &left)
                case .note: Self.note(&from, &taker)
                case .put: Self.put(&from, &taker)
                case .field: Self.field(&from, &taker)
                case .step: Self.step(&from, &taker)
                case .fail: Self.fail(&from, &taker)
                case nil: "an item of an unknown kind"
                }
            if let problem { return problem }
        }
        return from.isBad ? "an item that ends too early" : nil
    }

    private static let tooMany = "more than \(IsolationLimits.maxReplyItems) events and other items"

    private static func emit<Taker: ReplyTaker>(
        _ from: inout WireReader, _ taker: inout Taker, _ left: inout Int
    ) -> String? {
        guard from.nextCount <= left else { return tooMany }
        left -= from.nextCount
        var problem: String?
        from.events { problem = taker.emit($0) }
        return problem
    }

    private static func note<Taker: ReplyTaker>(_ from: inout WireReader, _ taker: inout Taker) -> String? {
        let kind = from.text()
        let count: UInt64 = from.number()
        let detail = from.text()
        return from.isBad ? nil : taker.note(kind, count, detail)
    }

    private static func put<Taker: ReplyTaker>(_ from: inout WireReader, _ taker: inout Taker) -> String? {
        let how: UInt32 = from.number()
        let data = from.text()
        return from.isBad ? nil : taker.put(how, data)
    }

    private static func field<Taker: ReplyTaker>(_ from: inout WireReader, _ taker: inout Taker) -> String? {
        let field: UInt32 = from.number()
        let (key, value) = (from.text(), from.text())
        return from.isBad ? nil : taker.field(field, key, value)
    }

    private static func step<Taker: ReplyTaker>(_ from: inout WireReader, _ taker: inout Taker) -> String? {
        let (kind, id): (UInt32, UInt32) = (from.number(), from.number())
        let argument: UInt64 = from.number()
        return from.isBad ? nil : taker.step(kind, id, argument)
    }

    private static func fail<Taker: ReplyTaker>(_ from: inout WireReader, _ taker: inout Taker) -> String? {
        let status: kimi_status = from.number()
        let category: UInt32 = from.number()
        let retryAfterMs: UInt64 = from.number()
        let message = from.text()
        if !from.isBad { taker.fail(status, category, retryAfterMs, message) }
        return nil
    }
}

/// Takes items into the records of one call, as the host does.
private struct RecordTaker: ReplyTaker {
    let errors: ErrorRecord
    let edit: RequestEditRecord?
    let plan: PlanRecord?
    let sink: SinkNode?

    func emit(_ events: UnsafeBufferPointer<kimi_event>) -> String? {
        guard let sink else { return "events where there can be none" }
        if let start = events.baseAddress { _ = sink.consume(start, events.count) }
        return nil
    }

    func note(_ kind: kimi_bytes, _ count: UInt64, _ detail: kimi_bytes) -> String? {
        if let edit { _ = edit.note(kind, count, detail) } else { _ = sink?.note(kind, count, detail) }
        return nil
    }

    func put(_ how: UInt32, _ data: kimi_bytes) -> String? {
        guard let edit, edit.put(how, data.buffer) == KIMI_OK else {
            return "a change of the request that is not allowed"
        }
        return nil
    }

    func field(_ field: UInt32, _ key: kimi_bytes, _ value: kimi_bytes) -> String? {
        guard let plan, plan.field(field, key.buffer, value.buffer) == KIMI_OK else {
            return "plan field \(field), which the host refuses"
        }
        return nil
    }

    func step(_ kind: UInt32, _ id: UInt32, _ argument: UInt64) -> String? {
        guard let plan, plan.step(kind, id, argument) == KIMI_OK else {
            return "plan step \(kind), which the host refuses"
        }
        return nil
    }

    func fail(_ status: kimi_status, _ category: UInt32, _ retryAfterMs: UInt64, _ message: kimi_bytes) {
        errors.set(status, category, retryAfterMs, message.buffer)
    }
}
