internal import PluginABI

/// The C functions of a provider. They are the same for every Swift provider; only the factory differs.
enum ProviderTable {
    typealias Factory = @Sendable (UnsafeRawBufferPointer, PluginContext) -> Result<any ProviderPlugin, PluginFailure>

    // Written once by the entry, before any other call into the library ([load]); read only after that.
    nonisolated(unsafe) static var factory: Factory?

    // The host reads it for the life of the process, so it is never freed; nobody writes to it.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<kimi_provider> = {
        let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
        table.initialize(
            to: kimi_provider(
                struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0,
                create: { ProviderTable.create($0, $1, $2, $3, $4) },
                destroy: { release($0, as: ProviderBox.self) },
                begin: { ProviderTable.begin($0, $1, $2, $3) },
                next: { ProviderTable.next($0, $1, $2) },
                result: { ProviderTable.result($0, $1, $2) },
                feed: { ProviderTable.feed($0, $1, $2, $3, $4) },
                flush: { ProviderTable.flush($0, $1, $2, $3) },
                end: { exchange, _ in release(exchange, as: ProviderExchangeBox.self) }))
        return table
    }()

    private static func create(
        _ host: UnsafePointer<kimi_host>?, _ ctx: OpaquePointer?, _ config: kimi_bytes,
        _ instance: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let host, let instance else { return badArgument }
        guard let factory else {
            return describe(missingEntry, host, error)
        }
        return create(factory, host, ctx, config, instance, error)
    }

    static func create(
        _ factory: Factory, _ host: UnsafePointer<kimi_host>, _ ctx: OpaquePointer?, _ config: kimi_bytes,
        _ instance: UnsafeMutablePointer<OpaquePointer?>, _ error: OpaquePointer?
    ) -> kimi_status {
        guarded(host, error) { () throws(PluginFailure) in
            let context = PluginContext(host: host, ctx: ctx)
            instance.pointee = hold(ProviderBox(try factory(config.buffer, context).get(), context))
            return KIMI_OK
        }
    }

    private static func begin(
        _ instance: OpaquePointer?, _ request: UnsafePointer<kimi_request>?,
        _ exchange: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(instance, as: ProviderBox.self), let request, let exchange else { return badArgument }
        let host = box.context.host
        return guarded(host, error) { () throws(PluginFailure) in
            let started = try box.content.begin(RequestView(request))
            exchange.pointee = hold(ProviderExchangeBox(started, host))
            return KIMI_OK
        }
    }

    private static func next(_ exchange: OpaquePointer?, _ plan: OpaquePointer?, _ error: OpaquePointer?) -> kimi_status
    {
        guard let box = held(exchange, as: ProviderExchangeBox.self) else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.next(Plan(host: box.host, plan: plan))
            return KIMI_OK
        }
    }

    private static func result(
        _ exchange: OpaquePointer?, _ result: UnsafePointer<kimi_result>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: ProviderExchangeBox.self), let result else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in try box.content.result(result.pointee) }
    }

    private static func feed(
        _ exchange: OpaquePointer?, _ frames: UnsafePointer<kimi_frame>?, _ count: Int, _ sink: OpaquePointer?,
        _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: ProviderExchangeBox.self) else { return badArgument }
        let frames = UnsafeBufferPointer(start: frames, count: frames == nil ? 0 : count)
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.feed(frames, to: Sink(host: box.host, sink: sink)) ? KIMI_DONE : KIMI_OK
        }
    }

    private static func flush(
        _ exchange: OpaquePointer?, _ why: UInt32, _ sink: OpaquePointer?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: ProviderExchangeBox.self) else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.flush(kimi_why(rawValue: why), to: Sink(host: box.host, sink: sink))
            return KIMI_OK
        }
    }
}

/// A table was used in a process whose entry never ran.
var missingEntry: PluginFailure {
    PluginFailure(KIMI_E_STATE, KIMI_CAT_INTERNAL, "create was called before \(KIMI_ENTRY_SYMBOL).")
}
