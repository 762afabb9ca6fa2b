import CPlatform
import CanonicalModel
import PluginABI

/// Memory that plugins ask for inside a call; freed when the call is over.
struct ScratchArena {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var used = 0

    /// nil over the bound.
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= PluginLimits.maxScratchBytes - used else { return nil }
        used += count
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        blocks.append(block)
        return block
    }

    mutating func removeAll() {
        guard !blocks.isEmpty else { return }
        for block in blocks { block.deallocate() }
        blocks.removeAll(keepingCapacity: true)
        used = 0
    }
}

/// Behind `kimi_sink`: where one plugin's events go, that is the feed of the next transform or the receiver.
///
/// Since emit of one is the feed of the next, a batch goes down the chain inside one call, with no queue.
final class SinkNode {
    /// Set for a transform's node, nil for the last.
    private let transform: TransformLink?
    private let receiver: (any EventReceiver)?
    var arena = ScratchArena()
    /// Whoever emits to this node.
    private var producer = ""
    /// Where its notes go.
    private let book: NoteBook

    /// Events that carry the answer's content, of those that came to this node.
    private(set) var contentTaken = 0
    /// The last node: events handed to the receiver, and whether it has had enough.
    private(set) var delivered = 0
    private(set) var isStopped = false
    /// Bytes of text, thoughts and arguments among them.
    private(set) var contentBytes = 0
    /// Has it got anything that a client would miss?
    private(set) var hasSubstance = false
    /// Has it got a FINISH that claims a whole answer?
    private(set) var hasPlainFinish = false

    /// The first failure of the transform behind this node.
    private(set) var failure: ExchangeError?

    /// The end of the chain.
    init(receiver: any EventReceiver, book: NoteBook) {
        self.transform = nil
        self.receiver = receiver
        self.book = book
    }

    /// A transform, whose events go to `next`.
    init(transform: TransformLink, book: NoteBook) {
        self.transform = transform
        self.receiver = nil
        self.book = book
    }

    func note(_ kind: kimi_bytes, _ count: UInt64, _ detail: kimi_bytes) -> kimi_status {
        let isFiled = book.add(plugin: producer, kind: kind.buffer, count: count, detail: detail.buffer)
        return kimi_status(isFiled ? KIMI_OK : KIMI_E_ARG)
    }

    var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    @inline(__always)
    static func at(_ pointer: OpaquePointer) -> SinkNode {
        Unmanaged<SinkNode>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    /// Takes a batch. KIMI_OK, KIMI_STOP, or the transform's failure.
    func consume(_ events: UnsafePointer<kimi_event>, _ count: Int) -> kimi_status {
        for index in 0..<count where Self.isContent(events[index].type) { contentTaken += 1 }
        if let receiver {
            delivered += count
            for index in 0..<count {
                let type = events[index].type
                if Self.isTold(type) { book.note(events[index]) }
                if Self.isText(type) { contentBytes &+= events[index].a.len }
            }
            if !hasSubstance { weigh(UnsafeBufferPointer(start: events, count: count)) }
            // Not the plugin's time, and not its fault.
            pg_host_enter()
            defer { pg_host_leave() }
            let status = receiver.receive(UnsafeBufferPointer(start: events, count: count))
            isStopped = isStopped || status == kimi_status(KIMI_STOP)
            return status
        }
        guard let transform else { return kimi_status(KIMI_E_STATE) }
        if failure != nil { return kimi_status(KIMI_STOP) }
        var start = 0
        while start < count {
            let wanted = transform.wants(events[start].type)
            var end = start + 1
            while end < count, transform.wants(events[end].type) == wanted { end += 1 }
            let status =
                wanted
                ? feed(transform, events + start, end - start)
                : transform.next.consume(events + start, end - start)
            guard status == kimi_status(KIMI_OK) else { return status }
            start = end
        }
        return kimi_status(KIMI_OK)
    }

    private static func isContent(_ type: UInt32) -> Bool {
        type >= KIMI_EVENT_TEXT.rawValue && type <= KIMI_EVENT_PART.rawValue
    }

    private static func isTold(_ type: UInt32) -> Bool {
        type == KIMI_EVENT_USAGE.rawValue || type == KIMI_EVENT_FINISH.rawValue
    }

    private static func isText(_ type: UInt32) -> Bool {
        type == KIMI_EVENT_TEXT.rawValue || type == KIMI_EVENT_REASONING.rawValue
            || type == KIMI_EVENT_TOOL_ARGS.rawValue
    }

    private func weigh(_ events: UnsafeBufferPointer<kimi_event>) {
        for event in events {
            switch kimi_event_type(event.type) {
            case KIMI_EVENT_TEXT: hasSubstance = hasSubstance || event.a.len > 0
            case KIMI_EVENT_REASONING: hasSubstance = hasSubstance || event.a.len > 0 || event.b.len > 0
            case KIMI_EVENT_TOOL_BEGIN, KIMI_EVENT_PART: hasSubstance = true
            case KIMI_EVENT_JSON: hasSubstance = hasSubstance || Self.says(event)
            case KIMI_EVENT_FINISH: hasPlainFinish = ["stop", "tool_calls"].contains(event.a.text)
            default: break
            }
        }
    }

    /// A member of the message, such as a refusal, with something in it.
    private static func says(_ event: CanonicalEvent) -> Bool {
        event.i0 == Int64(KIMI_SCOPE_MESSAGE.rawValue) && event.a.len > 2 && event.a.text != "null"
    }

    /// Names the plugin that emits to this node.
    func isFed(by name: String) { producer = name }

    /// Passes a flush to the transform behind this node; later ones are flushed by the caller, in order.
    func flush(_ why: kimi_why) -> kimi_status {
        guard let transform, failure == nil else { return kimi_status(KIMI_OK) }
        let status = transform.flush(why)
        if status.isFailure { failure = transform.takeFailure(status, PG_FLUSH) }
        transform.next.arena.removeAll()
        return status
    }

    private func feed(_ transform: TransformLink, _ events: UnsafePointer<kimi_event>, _ count: Int) -> kimi_status {
        let status = transform.feed(events, count)
        transform.next.arena.removeAll()
        if status.isFailure {
            failure = transform.takeFailure(status, PG_FEED)
            return kimi_status(KIMI_STOP)
        }
        return status == kimi_status(KIMI_STOP) ? status : kimi_status(KIMI_OK)
    }
}

/// A transform's exchange with the node that its events go to. Ends the exchange exactly once.
final class TransformLink {
    let next: SinkNode
    private let instance: TransformInstance
    private let exchange: OpaquePointer
    private let tag: RequestTag
    private let mask: UInt32
    private let errors = ErrorRecord()
    private var isEnded = false

    init(instance: TransformInstance, exchange: OpaquePointer, next: SinkNode, tag: RequestTag) {
        self.instance = instance
        self.tag = tag
        self.exchange = exchange
        self.mask = instance.table.pointee.event_mask
        self.next = next
        next.isFed(by: instance.name)
        instance.library.exchangeBegan()
    }

    deinit {
        end(KIMI_WHY_CANCELLED)
    }

    func wants(_ type: UInt32) -> Bool { type < 32 && mask & (1 << type) != 0 }

    func feed(_ events: UnsafePointer<kimi_event>, _ count: Int) -> kimi_status {
        instance.mark.call(PG_FEED, tag) {
            instance.table.pointee.feed(exchange, events, count, next.opaque, errors.opaque)
        }
    }

    func flush(_ why: kimi_why) -> kimi_status {
        instance.mark.call(PG_FLUSH, tag) {
            instance.table.pointee.flush(exchange, why.rawValue, next.opaque, errors.opaque)
        }
    }

    func takeFailure(_ status: kimi_status, _ function: pg_function) -> ExchangeError {
        errors.take(status, instance.mark, plugin: instance.name, function)
    }

    func end(_ why: kimi_why) {
        guard !isEnded else { return }
        isEnded = true
        instance.mark.call(PG_END, tag) { instance.table.pointee.end(exchange, why.rawValue) }
        instance.library.exchangeEnded()
    }
}
