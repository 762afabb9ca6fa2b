import CanonicalModel
import PluginABI
import PluginHost

/// `kimi-host plugin bench`: what a call costs through the C tables, beside a plugin that does nothing.
///
/// The host's side is as cheap as can be (it counts), so what is measured is the plugin and the crossing.
enum Bench {
    /// Of a plugin in Python fewer: its messages take their time.
    private static func rounds(_ plugin: PluginUnderTest) -> Int { plugin.python == nil ? 7 : 3 }
    private static let eventsPerRound = 200_000
    private static let repeats = 100
    private static let maxTicks = 4_096

    static func run(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.note(
            "release build, best of \(rounds(plugin)); a host that only counts; short streams cost more per piece")
        let noOp = plugin.python == nil ? nil : PythonNoOp()
        defer { noOp?.remove() }
        if plugin.python != nil {
            context.note("each call is a message to the plugin's process and back; so are those that do nothing")
        }
        for script in context.scripts(plugin) {
            plugin.kind == .transform
                ? transform(plugin, script, noOp, context) : provider(plugin, script, noOp, context)
        }
    }

    /// What one way of feeding costs.
    struct Cost {
        var nanoseconds: Double
        var bytesCopied: Double
    }

    private static func transform(
        _ plugin: PluginUnderTest, _ script: Script, _ noOp: PythonNoOp?, _ context: RuleContext
    ) {
        guard let table = plugin.plugin.transform?.pointee else { return }
        // A plugin that takes none of a script's events has nothing to be measured by.
        let events = stretched(script.events.joined().filter { $0.type < 32 && table.event_mask & (1 << $0.type) != 0 })
        guard !events.isEmpty else { return }
        for size in [1, 64] {
            guard let bench = BenchInstance(plugin, script),
                let cost = best(plugin, { bench.transform(table, events, batch: size, enough: eventsPerRound) }),
                let none = nothing(
                    plugin, script, noOp, { $0.transform(table, events, batch: size, enough: eventsPerRound) },
                    { best(plugin) { bench.transform(NoOp.transform, events, batch: size, enough: eventsPerRound) } })
            else { return context.fail("\(script.name): the plugin fails; run `plugin run` on it") }
            show(script.name, "event", size, cost, none, context)
        }
    }

    /// Texts many times over, as in a long answer.
    private static func stretched(_ events: [Event]) -> [Event] {
        events.flatMap { event in
            let isLong = event.kind == KIMI_EVENT_TEXT || event.kind == KIMI_EVENT_REASONING
            return [Event](repeating: event, count: isLong ? repeats : 1)
        }
    }

    private static func provider(
        _ plugin: PluginUnderTest, _ script: Script, _ noOp: PythonNoOp?, _ context: RuleContext
    ) {
        guard let table = plugin.plugin.provider?.pointee, script.head.status < 400 else { return }
        let isLocal = BenchInstance(plugin, script)?.answersByItself(table) ?? false
        let frames =
            isLocal ? [Frame](repeating: Frame(KIMI_FRAME_TICK), count: maxTicks) : Array(script.frames.joined())
        guard !frames.isEmpty else { return }
        for size in isLocal ? [1] : [1, 64] {
            guard let bench = BenchInstance(plugin, script),
                let cost = best(plugin, { bench.provider(table, frames, batch: size, enough: eventsPerRound) }),
                let none = nothing(
                    plugin, script, noOp, { $0.provider(table, frames, batch: size, enough: eventsPerRound) },
                    {
                        best(plugin) {
                            bench.provider(NoOp.provider, frames, batch: size, enough: eventsPerRound, begins: false)
                        }
                    })
            else { return context.note("\(script.name): left out, it does not come to its end") }
            show(script.name, isLocal ? "tick" : "frame", size, cost, none, context)
        }
    }

    /// What a plugin that does nothing costs: in Python for one in Python, else in this process.
    private static func nothing(
        _ plugin: PluginUnderTest, _ script: Script, _ noOp: PythonNoOp?, _ there: (BenchInstance) -> Cost?,
        _ here: () -> Cost?
    ) -> Cost? {
        guard plugin.python != nil else { return here() }
        return noOp?.measure(plugin) {
            guard let bench = BenchInstance(plugin, script) else { return nil }
            return best(plugin) { there(bench) }
        }
    }

    private static func best(_ plugin: PluginUnderTest, _ measure: () -> Cost?) -> Cost? {
        var best: Cost?
        for _ in 0..<rounds(plugin) {
            guard let cost = measure() else { return nil }
            if cost.nanoseconds < best?.nanoseconds ?? .infinity { best = cost }
        }
        return best
    }

    private static func show(
        _ name: String, _ unit: String, _ size: Int, _ cost: Cost, _ none: Cost, _ context: RuleContext
    ) {
        context.note(
            "\(name), \(unit)s in batches of \(size): \(tenths(cost.nanoseconds)) ns and "
                + "\(tenths(cost.bytesCopied)) bytes copied per \(unit); doing nothing \(tenths(none.nanoseconds)) ns")
    }

    private static func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// Tables of a plugin that does nothing but pass on.
enum NoOp {
    /// Its only exchange, never looked into.
    nonisolated(unsafe) static let pointer = OpaquePointer(UnsafeRawPointer(KitHost.pointer))

    private static let create:
        @convention(c) (
            UnsafePointer<kimi_host>?, OpaquePointer?, kimi_bytes, UnsafeMutablePointer<OpaquePointer?>?, OpaquePointer?
        ) -> kimi_status = { _, _, _, _, _ in 0 }
    private static let destroy: @convention(c) (OpaquePointer?) -> Void = { _ in }
    private static let end: @convention(c) (OpaquePointer?, UInt32) -> Void = { _, _ in }
    private static let flush: @convention(c) (OpaquePointer?, UInt32, OpaquePointer?, OpaquePointer?) -> kimi_status = {
        _, _, _, _ in 0
    }

    static let transform = kimi_transform(
        struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: .max, create: create, destroy: destroy,
        begin: { _, _, _, exchange, _ in
            exchange?.pointee = pointer
            return KIMI_UNCHANGED.rawValue
        }, feed: { _, events, count, sink, _ in BenchSink.emit(sink, events, count) }, flush: flush, end: end)

    static let provider = kimi_provider(
        struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0, create: create, destroy: destroy,
        begin: { _, _, exchange, _ in
            exchange?.pointee = pointer
            return 0
        }, next: { _, _, _ in 0 }, result: { _, _, _ in 0 }, feed: { _, _, _, _, _ in 0 }, flush: flush, end: end)
}
