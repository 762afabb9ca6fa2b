import CanonicalModel
import PluginABI
import PluginHost

/// Where events go in a benchmark: they are counted, and their bytes told apart by where they lie.
final class BenchSink {
    var copied = 0
    /// The input's bytes: a slice inside was handed through, one outside was copied.
    var lent: Range<UInt> = 0..<0
    /// What `scratch` gives out, from the beginning again when it is used up: far more than one call asks for.
    private let scratchMemory = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes, alignment: 16)
    private var scratchUsed = 0
    private static let scratchBytes = 16 << 20

    deinit { scratchMemory.deallocate() }

    static func scratch(_ sink: OpaquePointer?, _ count: Int) -> UnsafeMutableRawPointer? {
        guard let sink, count <= scratchBytes else { return nil }
        let target = Unmanaged<BenchSink>.fromOpaque(UnsafeRawPointer(sink)).takeUnretainedValue()
        let size = (count + 15) & ~15
        if target.scratchUsed + size > scratchBytes { target.scratchUsed = 0 }
        defer { target.scratchUsed += size }
        return target.scratchMemory.baseAddress?.advanced(by: target.scratchUsed)
    }

    static func emit(_ sink: OpaquePointer?, _ events: UnsafePointer<kimi_event>?, _ count: Int) -> kimi_status {
        guard let sink, let events else { return 0 }
        let target = Unmanaged<BenchSink>.fromOpaque(UnsafeRawPointer(sink)).takeUnretainedValue()
        for index in 0..<count {
            let slice = events[index].a
            if slice.len > 0, !target.lent.contains(UInt(bitPattern: slice.ptr)) { target.copied += slice.len }
        }
        return 0
    }

    /// The host's table with the three functions of the hot path replaced.
    nonisolated(unsafe) static let host: UnsafePointer<kimi_host> = {
        let table = UnsafeMutablePointer(mutating: KitHost.table(minor: UInt32(KIMI_ABI_MINOR)))
        table.pointee.emit = { emit($0, $1, $2) }
        table.pointee.scratch = { scratch($0, $1) }
        table.pointee.text = { sink, type, choice, index, text in
            var event = kimi_event()
            (event.type, event.choice, event.index, event.a) = (type, choice, index, text)
            return withUnsafePointer(to: event) { emit(sink, $0, 1) }
        }
        table.pointee.extension = { _, _ in nil }
        return UnsafePointer(table)
    }()
}

/// An instance for benchmarks, with input in one piece of memory.
final class BenchInstance {
    private let instance: KitInstance
    private let script: Script
    private let sink = BenchSink()

    init?(_ plugin: PluginUnderTest, _ script: Script) {
        do {
            instance = try KitInstance(plugin, config: script.config, host: BenchSink.host)
        } catch {
            return nil
        }
        self.script = script
    }

    private var sinkPointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(sink).toOpaque()) }

    /// All bytes of the input side by side, and slices into them.
    private func withArena<Value>(_ texts: [[UInt8]], _ body: ([kimi_bytes]) -> Value) -> Value {
        let arena = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, texts.reduce(0) { $0 + $1.count }), alignment: 16)
        defer { arena.deallocate() }
        var slices: [kimi_bytes] = []
        var used = 0
        for text in texts {
            let place = UnsafeMutableRawBufferPointer(rebasing: arena[used..<(used + text.count)])
            place.copyBytes(from: text)
            slices.append(kimi_bytes(UnsafeRawBufferPointer(place)))
            used += text.count
        }
        let start = UInt(bitPattern: arena.baseAddress)
        sink.lent = start..<(start + UInt(arena.count))
        sink.copied = 0
        return body(slices)
    }

    /// Feeds whole exchanges until `enough` events went through; the time of feed only. Nil if the plugin fails.
    func transform(_ table: kimi_transform, _ events: [Event], batch: Int, enough: Int) -> Bench.Cost? {
        let wanted = events.filter { $0.type < 32 && table.event_mask & (1 << $0.type) != 0 }
        guard !wanted.isEmpty else { return nil }
        return withArena(wanted.flatMap { [$0.a, $0.b, $0.c] }) { slices in
            let structs = wanted.enumerated().map { number, event in
                kimi_event(
                    type: event.type, flags: 0, choice: event.choice, index: event.index, a: slices[3 * number],
                    b: slices[3 * number + 1], c: slices[3 * number + 2], i0: event.i0, i1: event.i1, i2: event.i2,
                    i3: event.i3)
            }
            return measure(structs, batch, enough, begin: { self.begin(table) }) { exchange, start, count in
                table.feed(exchange, start, count, self.sinkPointer, nil)
            } end: {
                table.end($0, KIMI_WHY_CANCELLED.rawValue)
            }
        }
    }

    /// As for transforms, with frames, or with ticks where the plugin answers by itself. The plan is not measured.
    func provider(
        _ table: kimi_provider, _ frames: [Frame], batch: Int, enough: Int, begins: Bool = true
    ) -> Bench.Cost? {
        withArena(frames.flatMap { [$0.name, $0.data] }) { slices in
            let structs = frames.enumerated().map { number, frame in
                kimi_frame(kind: frame.kind, flags: frame.flags, name: slices[2 * number], data: slices[2 * number + 1])
            }
            return measure(structs, batch, enough, begin: { begins ? self.begin(table) : NoOp.pointer }) {
                exchange, start, count in
                table.feed(exchange, start, count, self.sinkPointer, nil)
            } end: {
                table.end($0, KIMI_WHY_CANCELLED.rawValue)
            }
        }
    }

    /// Does the plugin answer by itself?
    func answersByItself(_ table: kimi_provider) -> Bool {
        let silent = ProviderExchange(instance, script, behaviour: HostBehaviour(), lending: .copies)
        guard let exchange = silent.openForBench(table) else { return false }
        table.end(exchange, KIMI_WHY_CANCELLED.rawValue)
        return silent.outcome.steps.last?.kind == KIMI_STEP_LOCAL_REPLY
    }

    /// Nanoseconds after which a measurement has gone on for long enough.
    private static let maxTime: UInt64 = 300_000_000

    private func measure<Piece>(
        _ pieces: [Piece], _ batch: Int, _ enough: Int, begin: () -> OpaquePointer?,
        feed: (OpaquePointer, UnsafePointer<Piece>, Int) -> kimi_status, end: (OpaquePointer) -> Void
    ) -> Bench.Cost? {
        var fed = 0
        var time: UInt64 = 0
        var isFine = true
        let start = Measure.wall()
        pieces.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return isFine = false }
            while fed < enough, isFine, Measure.wall() - start < Self.maxTime {
                guard let exchange = begin() else { return isFine = false }
                let before = Measure.wall()
                var position = 0
                var status = KIMI_OK.rawValue
                while position < buffer.count, status != KIMI_DONE.rawValue {
                    let count = min(batch, buffer.count - position)
                    status = feed(exchange, base + position, count)
                    if status < 0 { isFine = false }
                    position += count
                }
                time += Measure.wall() - before
                fed += position
                end(exchange)
            }
        }
        guard isFine, fed > 0 else { return nil }
        return Bench.Cost(
            nanoseconds: Double(time) / Double(fed), bytesCopied: Double(sink.copied) / Double(fed))
    }

    private func begin(_ table: kimi_transform) -> OpaquePointer? {
        var exchange: OpaquePointer?
        let call = PluginCall(instance.run, .copies)
        let edit = Handles.lend(EditNote(run: instance.run))
        defer { Handles.revoke(edit) }
        _ = call.make("begin") { error in
            table.begin(instance.pointer, Self.request(script.request, call.lending), edit, &exchange, error)
        }
        return exchange
    }

    /// Up to the answer's head.
    private func begin(_ table: kimi_provider) -> OpaquePointer? {
        let silent = ProviderExchange(instance, script, behaviour: HostBehaviour(), lending: .copies)
        return silent.openForBench(table)
    }

    private static func request(_ input: RequestInput, _ lending: Lending) -> UnsafePointer<kimi_request>? {
        Exchange.lend(input, lending)
    }
}
