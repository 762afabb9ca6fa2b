import CanonicalModel
import PluginABI

/// Tables whose functions are messages to ``CalledChild/current`` and back.
enum CalledTables {
    private typealias Create =
        @convention(c) (
            UnsafePointer<kimi_host>?, OpaquePointer?, kimi_bytes, UnsafeMutablePointer<OpaquePointer?>?,
            OpaquePointer?
        ) -> kimi_status
    private typealias Flush = @convention(c) (OpaquePointer?, UInt32, OpaquePointer?, OpaquePointer?) -> kimi_status

    nonisolated(unsafe) static let provider: UnsafePointer<kimi_provider> = {
        let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
        table.initialize(
            to: kimi_provider(
                struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0,
                create: { CalledTables.create(.provider, $0, $1, $2, $3, $4) }, destroy: { CalledTables.destroy($0) },
                begin: { CalledTables.begin(.provider, $0, $1, nil, $2, $3) }, next: { CalledTables.next($0, $1, $2) },
                result: { CalledTables.result($0, $1, $2) }, feed: { CalledTables.feedFrames($0, $1, $2, $3, $4) },
                flush: flush,
                end: { CalledTables.end($0, $1) }))
        return UnsafePointer(table)
    }()

    /// Never freed, as a library's.
    static func transform(eventMask: UInt32) -> UnsafePointer<kimi_transform> {
        let table = UnsafeMutablePointer<kimi_transform>.allocate(capacity: 1)
        table.initialize(
            to: kimi_transform(
                struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: eventMask,
                create: { CalledTables.create(.transform, $0, $1, $2, $3, $4) }, destroy: { CalledTables.destroy($0) },
                begin: { CalledTables.begin(.transform, $0, $1, $2, $3, $4) },
                feed: { CalledTables.feedEvents($0, $1, $2, $3, $4) },
                flush: flush, end: { CalledTables.end($0, $1) }))
        return UnsafePointer(table)
    }

    // MARK: Instances

    private static func create(
        _ kind: IsolationWire.Kind, _ host: UnsafePointer<kimi_host>?, _ context: OpaquePointer?, _ config: kimi_bytes,
        _ made: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let host, let made, let child = CalledChild.current else { return kimi_status(KIMI_E_STATE) }
        let instance = child.makeInstance(host, context)
        let answer = child.call("create", .create, instance.id, TableTaker(instance, error: error)) { to in
            to.put(kind.rawValue)
            to.put(UInt8(0))
            to.put(UInt16(0))
            to.put(config)
        }
        guard answer.status >= 0 else {
            child.forget(instance)
            return answer.status
        }
        made.pointee = OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
        return answer.status
    }

    private static func destroy(_ pointer: OpaquePointer?) {
        guard let pointer else { return }
        let instance = Unmanaged<CalledInstance>.fromOpaque(UnsafeRawPointer(pointer)).takeRetainedValue()
        instance.child.tell("destroy", .destroy, instance.id) { _ in }
        instance.child.forget(instance)
    }

    // MARK: Exchanges

    private static func begin(
        _ kind: IsolationWire.Kind, _ pointer: OpaquePointer?, _ request: UnsafePointer<kimi_request>?,
        _ out: OpaquePointer?, _ made: UnsafeMutablePointer<OpaquePointer?>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let instance = CalledInstance.at(pointer), let request = request?.pointee, let made else {
            return kimi_status(KIMI_E_ARG)
        }
        let exchange = CalledExchange(instance)
        let taker = TableTaker(instance, error: error, out: out)
        let answer = instance.child.call("begin", .begin, exchange.id, taker) { to in
            to.put(kind.rawValue)
            to.put(UInt8(0))
            to.put(UInt16(0))
            to.put(instance.id)
            to.put(request.flags)
            to.put(request.attempt)
            to.put(request.deadline_ms)
            for text in [request.json, request.model, request.exchange_id, request.dialect, request.conversation] {
                to.put(text)
            }
        }
        guard answer.hasExchange else {
            release(exchange, KIMI_WHY_FAILED.rawValue)
            return answer.status
        }
        made.pointee = OpaquePointer(Unmanaged.passRetained(exchange).toOpaque())
        return answer.status
    }

    private static func next(
        _ pointer: OpaquePointer?, _ plan: OpaquePointer?, _ error: OpaquePointer?
    ) -> kimi_status {
        call("next", .next, pointer, error, plan: plan) { _ in }
    }

    private static func result(
        _ pointer: OpaquePointer?, _ result: UnsafePointer<kimi_result>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let result = result?.pointee else { return kimi_status(KIMI_E_ARG) }
        return call("result", .result, pointer, error) { $0.put(result) }
    }

    private static func feedFrames(
        _ pointer: OpaquePointer?, _ frames: UnsafePointer<kimi_frame>?, _ count: Int, _ sink: OpaquePointer?,
        _ error: OpaquePointer?
    ) -> kimi_status {
        call("feed", .feed, pointer, error, sink: sink) { $0.put(frames: .init(start: frames, count: count)) }
    }

    private static func feedEvents(
        _ pointer: OpaquePointer?, _ events: UnsafePointer<kimi_event>?, _ count: Int, _ sink: OpaquePointer?,
        _ error: OpaquePointer?
    ) -> kimi_status {
        call("feed", .feed, pointer, error, sink: sink) { $0.put(events: .init(start: events, count: count)) }
    }

    private static let flush: Flush = { pointer, why, sink, error in
        CalledTables.call("flush", .flush, pointer, error, sink: sink) { $0.put(why) }
    }

    private static func end(_ pointer: OpaquePointer?, _ why: UInt32) {
        guard let pointer else { return }
        release(Unmanaged<CalledExchange>.fromOpaque(UnsafeRawPointer(pointer)).takeRetainedValue(), why)
    }

    private static func release(_ exchange: CalledExchange, _ why: UInt32) {
        let child = exchange.instance.child
        child.tell("end", .end, exchange.id) { $0.put(why) }
        child.giveBack(exchange.id)
    }

    private static func call(
        _ function: String, _ operation: IsolationWire.Operation, _ pointer: OpaquePointer?, _ error: OpaquePointer?,
        plan: OpaquePointer? = nil, sink: OpaquePointer? = nil, _ payload: (WireWriter) -> Void
    ) -> kimi_status {
        guard let exchange = CalledExchange.at(pointer) else { return kimi_status(KIMI_E_ARG) }
        let taker = TableTaker(exchange.instance, error: error, plan: plan, sink: sink)
        return exchange.instance.child.call(function, operation, exchange.id, taker, payload).status
    }
}

extension LoadedPlugin {
    /// The same plugin with tables that may be called: each call waits for the child that was loaded, which becomes
    /// ``CalledChild/current``. For plugins that run in a process of their own.
    package func called(_ fault: @escaping (CalledChild.Fault) -> Void) throws(PluginLoadError) -> LoadedPlugin {
        guard let isolated else { return self }
        CalledChild.current = try isolated.calledChild(fault)
        var plugin = self
        if provider != nil { plugin.provider = CalledTables.provider }
        if let transform { plugin.transform = CalledTables.transform(eventMask: transform.pointee.event_mask) }
        return plugin
    }
}

extension IsolatedPlugin {
    /// A child of its own to call: the one that was loaded, or another.
    package func calledChild(_ fault: @escaping (CalledChild.Fault) -> Void) throws(PluginLoadError) -> CalledChild {
        do {
            return CalledChild(try spareChild(), fault: fault)
        } catch {
            throw error.at(.entry, file)
        }
    }

    /// A child that runs another file in the same way, for comparison.
    package func calledChild(
        of file: String, _ fault: @escaping (CalledChild.Fault) -> Void
    ) throws(PluginLoadError) -> CalledChild {
        do throws(StepFailure) {
            guard let status = FileStatus.ofPath(file) else {
                throw StepFailure(message: "it is not there", cure: "write it")
            }
            let child = try WaitingChild(
                ChildCommand(path: file, origin: file, python: command.python, status: status))
            _ = try child.hello()
            return CalledChild(child, fault: fault)
        } catch {
            throw error.at(.entry, file)
        }
    }
}
