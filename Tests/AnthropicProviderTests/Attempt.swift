import AnthropicProviderLogic
import PluginABI
import PluginKit

/// One exchange of a provider, driven through the C table as a host does.
final class Attempt {
    let record = EventRecord()
    let failure = Failure()
    let log = Log()
    let plan = PlanRecord()
    private(set) var status: kimi_status = 0
    private let table = PluginTesting.providerTable.pointee
    private var instance: OpaquePointer?
    private var exchange: OpaquePointer?

    init<Plugin: ProviderPlugin>(
        _ type: Plugin.Type = AnthropicProvider.self, config: String = #"{"apiKey":"sk-1"}"#, stream: Bool = true,
        dialect: String = "", json: String = #"{"messages":[{"role":"user","content":"x"}]}"#,
        model: String = "claude-opus-4-6", flags: UInt32 = 0
    ) {
        status = config.borrowed { config in
            PluginTesting.create(
                type, host: FakeHost.table, ctx: FakeHost.pointer(log), config: config, instance: &instance,
                error: FakeHost.pointer(failure))
        }
        guard status == 0 else { return }
        var request = kimi_request()
        request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
        request.flags = flags | (stream ? KIMI_REQUEST_STREAM.rawValue : 0)
        let (dialectCopy, jsonCopy) = (Copy(Array(dialect.utf8)), Copy(Array(json.utf8)))
        let modelCopy = Copy(Array(model.utf8))
        request.model = modelCopy.slice
        request.dialect = dialectCopy.slice
        request.json = jsonCopy.slice
        status = table.begin(instance, &request, &exchange, FakeHost.pointer(failure))
        withExtendedLifetime((dialectCopy, jsonCopy, modelCopy)) {}
        guard status == 0 else { return }
        status = table.next(exchange, FakeHost.pointer(plan), FakeHost.pointer(failure))
    }

    deinit {
        if let exchange { table.end(exchange, KIMI_WHY_END.rawValue) }
        if let instance { table.destroy(instance) }
    }

    /// The response's head.
    @discardableResult
    func head(_ http: UInt32, _ headers: [(String, String)] = []) -> kimi_status {
        var storage: [UnsafeMutableBufferPointer<UInt8>] = []
        func keep(_ text: String) -> kimi_bytes {
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
            _ = buffer.initialize(from: text.utf8)
            storage.append(buffer)
            return kimi_bytes(ptr: UnsafePointer(buffer.baseAddress), len: text.utf8.count)
        }
        let list = headers.map { kimi_header(name: keep($0.0), value: keep($0.1)) }
        defer { storage.forEach { $0.deallocate() } }
        return list.withUnsafeBufferPointer { list in
            var result = kimi_result()
            result.kind = KIMI_STEP_SEND.rawValue
            result.http_status = http
            result.headers = list.baseAddress
            result.n_headers = list.count
            status = table.result(exchange, &result, FakeHost.pointer(failure))
            return status
        }
    }

    /// Feeds one batch of server-sent events.
    @discardableResult
    func events(_ data: [String], name: String = "") -> kimi_status {
        feed(data.map { (KIMI_FRAME_SSE, 0, name, Array($0.utf8)) })
    }

    /// The same of any bytes.
    @discardableResult
    func rawEvents(_ data: [[UInt8]]) -> kimi_status {
        feed(data.map { (KIMI_FRAME_SSE, 0, "", $0) })
    }

    @discardableResult
    func body(_ text: String, flags: UInt32 = 0) -> kimi_status {
        feed([(KIMI_FRAME_BODY, KIMI_FRAME_F_LAST.rawValue | flags, "", Array(text.utf8))])
    }

    @discardableResult
    func errorBody(_ text: String) -> kimi_status {
        body(text, flags: KIMI_FRAME_F_ERROR.rawValue)
    }

    private func feed(_ frames: [(kind: kimi_frame_kind, flags: UInt32, name: String, data: [UInt8])]) -> kimi_status {
        let bytes = frames.map { (Array($0.name.utf8), $0.data) }
        // Exact allocations, so that a read past the end is found by a sanitizer.
        let copies = bytes.map { (Copy($0.0), Copy($0.1)) }
        let list = zip(frames, copies).map { frame, copy in
            kimi_frame(kind: frame.kind.rawValue, flags: frame.flags, name: copy.0.slice, data: copy.1.slice)
        }
        status = list.withUnsafeBufferPointer { list in
            table.feed(exchange, list.baseAddress, list.count, FakeHost.pointer(record), FakeHost.pointer(failure))
        }
        withExtendedLifetime(copies) {}
        return status
    }

    @discardableResult
    func flush(_ why: kimi_why = KIMI_WHY_END) -> kimi_status {
        status = table.flush(exchange, why.rawValue, FakeHost.pointer(record), FakeHost.pointer(failure))
        return status
    }
}

/// Bytes at a place of their own, overwritten when released: what was borrowed too long shows.
private final class Copy {
    private let buffer: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        buffer = .allocate(capacity: bytes.count)
        _ = buffer.initialize(from: bytes)
    }

    deinit {
        buffer.update(repeating: UInt8(ascii: "!"))
        buffer.deallocate()
    }

    var slice: kimi_bytes { kimi_bytes(ptr: UnsafePointer(buffer.baseAddress), len: buffer.count) }
}

extension String {
    func borrowed<Result>(_ body: (kimi_bytes) -> Result) -> Result {
        Array(utf8).withUnsafeBytes { body(kimi_bytes($0)) }
    }
}
