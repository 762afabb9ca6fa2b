import CanonicalModel
import PluginABI

/// A child's reply to one call: what the plugin handed to host functions during it, in order.
struct CallReply {
    let status: kimi_status
    let flags: UInt8
    private let items: WireReader

    init(_ message: WireMessage) {
        var from = message.payload
        flags = message.flags
        status = from.isBad ? kimi_status(KIMI_E_INTERNAL) : from.number()
        items = from
    }

    var isSkipped: Bool { flags & IsolationWire.skipped != 0 }
    var hasExchange: Bool { flags & IsolationWire.noExchange == 0 }

    /// Does with the items what the host functions would have done; items of kinds that this call cannot bring are
    /// mistakes. Nil, or the sentence that says what was wrong.
    @discardableResult
    func apply(
        errors: ErrorRecord, edit: RequestEditRecord? = nil, plan: PlanRecord? = nil, sink: SinkNode? = nil
    ) -> String? {
        var from = items
        var left = IsolationLimits.maxReplyItems
        while !from.isAtEnd {
            left -= 1
            guard left >= 0 else { return Self.tooMany }
            let problem: String? =
                switch IsolationWire.Item(rawValue: from.number()) {
                case .events: Self.emit(&from, sink, &left)
                case .note: Self.note(&from, edit, sink)
                case .put: Self.put(&from, edit)
                case .field: Self.field(&from, plan)
                case .step: Self.step(&from, plan)
                case .fail: Self.fail(&from, errors)
                case nil: "an item of an unknown kind"
                }
            if let problem { return problem }
        }
        return from.isBad ? "an item that ends too early" : nil
    }

    private static let tooMany = "more than \(IsolationLimits.maxReplyItems) events and other items"

    private static func emit(_ from: inout WireReader, _ sink: SinkNode?, _ left: inout Int) -> String? {
        guard let sink else { return "events where there can be none" }
        guard from.nextCount <= left else { return tooMany }
        left -= from.nextCount
        from.events { events in
            guard let start = events.baseAddress else { return }
            _ = sink.consume(start, events.count)
        }
        return nil
    }

    private static func note(_ from: inout WireReader, _ edit: RequestEditRecord?, _ sink: SinkNode?) -> String? {
        let kind = from.text()
        let count: UInt64 = from.number()
        let detail = from.text()
        guard !from.isBad else { return nil }
        if let edit { _ = edit.note(kind, count, detail) } else { _ = sink?.note(kind, count, detail) }
        return nil
    }

    private static func put(_ from: inout WireReader, _ edit: RequestEditRecord?) -> String? {
        let how: UInt32 = from.number()
        let data = from.text()
        guard !from.isBad else { return nil }
        guard let edit, edit.put(how, data.buffer) == KIMI_OK else {
            return "a change of the request that is not allowed"
        }
        return nil
    }

    private static func field(_ from: inout WireReader, _ plan: PlanRecord?) -> String? {
        let field: UInt32 = from.number()
        let (key, value) = (from.text(), from.text())
        guard !from.isBad else { return nil }
        guard let plan, plan.field(field, key.buffer, value.buffer) == KIMI_OK else {
            return "plan field \(field), which the host refuses"
        }
        return nil
    }

    private static func step(_ from: inout WireReader, _ plan: PlanRecord?) -> String? {
        let (kind, id): (UInt32, UInt32) = (from.number(), from.number())
        let argument: UInt64 = from.number()
        guard !from.isBad else { return nil }
        guard let plan, plan.step(kind, id, argument) == KIMI_OK else {
            return "plan step \(kind), which the host refuses"
        }
        return nil
    }

    private static func fail(_ from: inout WireReader, _ errors: ErrorRecord) -> String? {
        let status: kimi_status = from.number()
        let category: UInt32 = from.number()
        let retryAfterMs: UInt64 = from.number()
        let message = from.text()
        if !from.isBad { errors.set(status, category, retryAfterMs, message.buffer) }
        return nil
    }
}
