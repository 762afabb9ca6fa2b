internal import PluginABI

/// The C functions of a transform, as in ``ProviderTable``.
enum TransformTable {
    typealias Factory = @Sendable (UnsafeRawBufferPointer, PluginContext) -> Result<any TransformPlugin, PluginFailure>

    // Written once by the entry, before any other call into the library ([load]); read only after that.
    nonisolated(unsafe) static var factory: Factory?

    // As the provider's table; the entry writes the event mask before the host sees it.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<kimi_transform> = make(eventMask: 0)

    static func make(eventMask: UInt32) -> UnsafeMutablePointer<kimi_transform> {
        let table = UnsafeMutablePointer<kimi_transform>.allocate(capacity: 1)
        table.initialize(
            to: kimi_transform(
                struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: eventMask,
                create: { TransformTable.create($0, $1, $2, $3, $4) },
                destroy: { release($0, as: TransformBox.self) },
                begin: { TransformTable.begin($0, $1, $2, $3, $4) },
                feed: { TransformTable.feed($0, $1, $2, $3, $4) },
                flush: { TransformTable.flush($0, $1, $2, $3) },
                end: { exchange, _ in release(exchange, as: TransformExchangeBox.self) }))
        return table
    }

    private static func create(
        _ host: UnsafePointer<kimi_host>?, _ ctx: OpaquePointer?, _ config: kimi_bytes,
        _ instance: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let host, let instance else { return badArgument }
        guard let factory else { return describe(missingEntry, host, error) }
        return create(factory, host, ctx, config, instance, error)
    }

    static func create(
        _ factory: Factory, _ host: UnsafePointer<kimi_host>, _ ctx: OpaquePointer?, _ config: kimi_bytes,
        _ instance: UnsafeMutablePointer<OpaquePointer?>, _ error: OpaquePointer?
    ) -> kimi_status {
        guarded(host, error) { () throws(PluginFailure) in
            let context = PluginContext(host: host, ctx: ctx)
            instance.pointee = hold(TransformBox(try factory(config.buffer, context).get(), context))
            return KIMI_OK
        }
    }

    private static func begin(
        _ instance: OpaquePointer?, _ request: UnsafePointer<kimi_request>?, _ out: OpaquePointer?,
        _ exchange: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(instance, as: TransformBox.self), let request, let exchange else { return badArgument }
        let host = box.context.host
        return guarded(host, error) { () throws(PluginFailure) in
            let editor = RequestEditor(host: host, out: out)
            let (changed, started) = try box.content.begin(RequestView(request), editor)
            exchange.pointee = started.map { hold(TransformExchangeBox($0, host)) }
            return changed ? KIMI_OK : KIMI_UNCHANGED
        }
    }

    private static func feed(
        _ exchange: OpaquePointer?, _ events: UnsafePointer<kimi_event>?, _ count: Int, _ sink: OpaquePointer?,
        _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: TransformExchangeBox.self) else { return badArgument }
        let events = UnsafeBufferPointer(start: events, count: events == nil ? 0 : count)
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.feed(events, to: Sink(host: box.host, sink: sink))
            return KIMI_OK
        }
    }

    private static func flush(
        _ exchange: OpaquePointer?, _ why: UInt32, _ sink: OpaquePointer?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: TransformExchangeBox.self) else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.flush(kimi_why(rawValue: why), to: Sink(host: box.host, sink: sink))
            return KIMI_OK
        }
    }
}
