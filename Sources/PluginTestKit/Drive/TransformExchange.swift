import CanonicalModel
import JSONSchema
import PluginABI
import PluginHost
import WireJSON

/// begin, feed…, flush, end of a transform; events it does not want pass by, in order.
final class TransformExchange: Exchange, @unchecked Sendable {
    private var hasBegun = false
    private var hasTimedOut = -1

    private var table: kimi_transform? { instance.plugin.plugin.transform?.pointee }

    override func advance() -> kimi_why? {
        guard let table else { return KIMI_WHY_FAILED }
        if !hasBegun { return begin(table) }
        if position < script.events.count {
            if script.timeouts.contains(position), hasTimedOut != position {
                hasTimedOut = position
                return flush(table, KIMI_WHY_TIMEOUT) ? nil : KIMI_WHY_FAILED
            }
            let batch = script.events[position]
            position += 1
            return feed(table, batch)
        }
        guard script.why != KIMI_WHY_CANCELLED else { return KIMI_WHY_CANCELLED }
        return flush(table, script.why) ? script.why : failureReason
    }

    /// After KIMI_STOP the exchange is cancelled, after a failure it has failed.
    private var failureReason: kimi_why {
        outcome.failure == nil && stream.wasRefused ? KIMI_WHY_CANCELLED : KIMI_WHY_FAILED
    }

    private func begin(_ table: kimi_transform) -> kimi_why? {
        hasBegun = true
        let edit = EditNote(run: run)
        let handle = Handles.lend(edit)
        defer { Handles.revoke(handle) }
        var exchange: OpaquePointer?
        let status = call("begin") { lending, error in
            table.begin(instance.pointer, Exchange.lend(script.request, lending), handle, &exchange, error)
        }
        guard let status else {
            if exchange != nil { run.breach(.state, "begin failed and set *exchange (S03): leave it NULL") }
            return KIMI_WHY_FAILED
        }
        pointer = exchange
        outcome.hasExchange = exchange != nil
        outcome.wasRefused = run.behaviour.putFails && edit.how == nil && status != KIMI_UNCHANGED.rawValue
        apply(edit, status)
        guard exchange == nil else { return nil }
        for event in script.events.joined() { pass(event) }
        return KIMI_WHY_END
    }

    private func apply(_ edit: EditNote, _ status: kimi_status) {
        let request = script.request.json
        outcome.request = request
        if status == KIMI_UNCHANGED.rawValue {
            if edit.how != nil { run.breach(.edit, "begin returned KIMI_UNCHANGED after put: return KIMI_OK") }
            return
        }
        guard let how = edit.how else { return }
        outcome.isChanged = true
        do {
            outcome.request =
                how == KIMI_PUT_REPLACE.rawValue ? edit.data : try Self.merged(edit.data, into: request)
            let value = try ConfigNode(parsingJSON: outcome.request ?? [])
            if value.object == nil { run.breach(.edit, "the changed request is \(value.kindName), not an object") }
            if value["messages"] == nil { run.breach(.edit, "the changed request has no 'messages'") }
        } catch {
            outcome.request = edit.data
            run.breach(.edit, "the changed request is not JSON: \(error)")
        }
    }

    private static func merged(_ patch: [UInt8], into json: [UInt8]) throws(JSONError) -> [UInt8] {
        try patch.withBytes { patch throws(JSONError) in
            try json.withBytes { json throws(JSONError) in try JSONEdit.mergePatch(patch, into: json) }
        }
    }

    private func wants(_ type: UInt32, _ table: kimi_transform) -> Bool {
        type < 32 && table.event_mask & (1 << type) != 0
    }

    private func feed(_ table: kimi_transform, _ batch: [Event]) -> kimi_why? {
        var start = 0
        if script.hasEmptyFeeds, !feedRun(table, []) { return failureReason }
        while start < batch.count {
            let wanted = wants(batch[start].type, table)
            var end = start + 1
            while end < batch.count, wants(batch[end].type, table) == wanted { end += 1 }
            if !wanted {
                for event in batch[start..<end] { pass(event) }
            } else if !feedRun(table, Array(batch[start..<end])) {
                return failureReason
            }
            start = end
        }
        return nil
    }

    private func feedRun(_ table: kimi_transform, _ events: [Event]) -> Bool {
        let status = callWithSink("feed") { lending, sink, error in
            let structs = events.map { Self.lend($0, lending) }
            return table.feed(pointer, lending.take(structs), structs.count, sink, error)
        }
        return status != nil && !stream.wasRefused
    }

    static func lend(_ event: Event, _ lending: Lending) -> kimi_event {
        kimi_event(
            type: event.type, flags: event.flags, choice: event.choice, index: event.index,
            a: lending.take(event.a), b: lending.take(event.b), c: lending.take(event.c), i0: event.i0, i1: event.i1,
            i2: event.i2, i3: event.i3)
    }

    /// Past the transform, straight to what follows it.
    private func pass(_ event: Event) {
        let lending = Lending(.copies)
        stream.take(Self.lend(event, lending), run)
        lending.revoke()
    }

    private func flush(_ table: kimi_transform, _ why: kimi_why) -> Bool {
        callWithSink("flush") { _, sink, error in table.flush(pointer, why.rawValue, sink, error) } != nil
    }

    override func endPointer(_ pointer: OpaquePointer, _ why: kimi_why) { table?.end(pointer, why.rawValue) }
}
