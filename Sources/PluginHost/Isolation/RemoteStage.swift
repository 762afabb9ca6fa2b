import CanonicalModel
import NIOCore
import PluginABI

/// What an attempt hears of its exchanges in children.
protocol StageOwner: AnyObject {
    func stage(_ stage: RemoteStage, answered operation: IsolationWire.Operation, _ reply: CallReply)
    func stage(_ stage: RemoteStage, lost error: ExchangeError)
    /// Everything of one read was handed over.
    func stagesSettled()
}

/// One exchange of an isolated plugin. Event loop only.
class RemoteStage: IsolatedCaller {
    let instance: RemoteInstance
    let errors = ErrorRecord()
    weak var owner: (any StageOwner)?
    /// Calls without a reply, and their bytes.
    private(set) var outstanding = 0
    private(set) var outstandingBytes = 0
    /// Is it an auth machine's?
    private(set) var isAuth = false
    private let link: IsolatedLink
    private var id: UInt32?

    init(_ instance: RemoteInstance, on eventLoop: any EventLoop, owner: any StageOwner) {
        self.instance = instance
        self.owner = owner
        link = instance.plugin.link(on: eventLoop)
    }

    deinit { end(KIMI_WHY_CANCELLED) }

    // MARK: Calls

    func begin(_ request: PluginRequest) throws(ExchangeError) {
        guard request.json.count <= IsolationWire.maxRequestBytes else {
            throw ExchangeError(
                KIMI_CAT_BAD_REQUEST,
                "the request has \(request.json.count) bytes; plugin '\(instance.name)' (isolation: process) takes "
                    + "\(IsolationWire.maxRequestBytes)", httpStatus: 413)
        }
        try begin(bytes: request.json.count) { [instance] to in
            to.put(instance.kind.rawValue)
            to.put(UInt8(0))
            to.put(UInt16(0))
            to.put(instance.id)
            to.put(request.flags)
            to.put(UInt64(request.attempt))
            to.put(request.deadlineMs)
            to.put(request.json)
            to.put(request.model)
            to.put(request.exchangeID)
            to.put(request.dialect)
            to.put(request.conversation)
        }
    }

    /// Begins the library's auth machine for a key.
    func begin(key: String) throws(ExchangeError) {
        isAuth = true
        try begin(bytes: key.utf8.count) { [instance] to in
            to.put(IsolationWire.Kind.auth.rawValue)
            to.put(UInt8(0))
            to.put(UInt16(0))
            to.put(instance.id)
            to.put(key)
        }
    }

    private func begin(bytes: Int, _ payload: (WireWriter) -> Void) throws(ExchangeError) {
        id = try link.begin(self, bytes: bytes, payload)
        instance.plugin.library.exchangeBegan()
        count(bytes)
    }

    func next() { call(.next, bytes: 0) { _ in } }

    func result(_ result: kimi_result) {
        call(.result, bytes: result.body.len) { $0.put(result) }
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>) {
        call(.feed, bytes: frames.reduce(0) { $0 + $1.data.len }) { $0.put(frames: frames) }
    }

    func feed(_ events: UnsafeBufferPointer<kimi_event>) {
        call(.feed, bytes: events.reduce(0) { $0 + $1.a.len + $1.c.len }) { $0.put(events: events) }
    }

    func flush(_ why: kimi_why) { call(.flush, bytes: 0) { $0.put(why.rawValue) } }

    func end(_ why: kimi_why) {
        guard let id else { return }
        self.id = nil
        link.end(id, of: self, why)
        instance.plugin.library.exchangeEnded()
    }

    private func call(_ operation: IsolationWire.Operation, bytes: Int, _ payload: (WireWriter) -> Void) {
        guard let id else { return }
        count(bytes)
        link.call(id, of: self, operation, bytes: bytes, payload)
    }

    private func count(_ bytes: Int) {
        outstanding += 1
        outstandingBytes += bytes
    }

    // MARK: Replies

    func answered(_ operation: IsolationWire.Operation, _ reply: CallReply, bytes: Int) {
        outstanding -= 1
        outstandingBytes -= bytes
        owner?.stage(self, answered: operation, reply)
    }

    func settled() { owner?.stagesSettled() }

    func lost(_ error: ExchangeError) {
        if id != nil { instance.plugin.library.exchangeEnded() }
        id = nil
        (outstanding, outstandingBytes) = (0, 0)
        owner?.stage(self, lost: error)
        owner?.stagesSettled()
    }
}

/// A transform in a child: takes the events that come to its place in the chain, and hands those that it does not want
/// on in order.
final class TransformStage: RemoteStage, EventReceiver {
    let next: SinkNode
    private let mask: UInt32
    private let mark: PluginMark
    /// What waits for replies that go before it: how many replies, and events as they are sent.
    private var passing = CircularBuffer<(after: Int, events: WireWriter)>()
    private var fed = 0
    private var replies = 0
    private var isStopped = false

    init(
        _ transform: TransformInstance, _ remote: RemoteInstance, next: SinkNode, on eventLoop: any EventLoop,
        owner: any StageOwner
    ) {
        self.next = next
        self.mask = transform.table.pointee.event_mask
        self.mark = transform.mark
        super.init(remote, on: eventLoop, owner: owner)
        next.isFed(by: transform.name)
    }

    private func wants(_ type: UInt32) -> Bool { type < 32 && mask & (1 << type) != 0 }

    func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        guard !isStopped else { return kimi_status(KIMI_STOP) }
        var start = 0
        while start < events.count {
            let wanted = wants(events[start].type)
            var end = start + 1
            while end < events.count, wants(events[end].type) == wanted { end += 1 }
            let run = UnsafeBufferPointer(rebasing: events[start..<end])
            if wanted {
                fed += 1
                feed(run)
            } else if let status = pass(run) {
                return status
            }
            start = end
        }
        return kimi_status(KIMI_OK)
    }

    /// Nil: go on.
    private func pass(_ run: UnsafeBufferPointer<kimi_event>) -> kimi_status? {
        if replies == fed, let start = run.baseAddress {
            let status = next.consume(start, run.count)
            return status == kimi_status(KIMI_OK) ? nil : status
        }
        let events = WireWriter(capacity: 64 * run.count)
        events.put(events: run)
        passing.append((fed, events))
        return nil
    }

    /// A feed is answered, its events are handed on: what waited for it goes on too.
    func fedOne() {
        replies += 1
        while let first = passing.first, first.after <= replies {
            passing.removeFirst()
            var from = WireReader(first.events.content)
            from.events { run in
                if let start = run.baseAddress { _ = next.consume(start, run.count) }
            }
        }
    }

    func stop() { isStopped = true }

    /// What the plugin said of a call that failed, counted.
    func failure(_ reply: CallReply, _ operation: IsolationWire.Operation) -> ExchangeError {
        errors.take(reply.status, mark, plugin: instance.name, "\(operation)")
    }
}
