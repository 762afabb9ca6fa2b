import PluginABI
import PluginKit
import VertexProviderLogic

/// An instance, and exchanges and token machines on it, driven through the C tables as a host does.
final class Attempt {
    let desk: Desk
    let record = EventRecord()
    let failure = Failure()
    private(set) var plan = PlanRecord()
    private(set) var status: kimi_status = 0
    private let table = PluginTesting.providerTable.pointee
    private let auth = PluginTesting.authTable.pointee
    private var instance: OpaquePointer?
    private var exchange: OpaquePointer?
    private var machine: OpaquePointer?

    static let config = #"{"projectId":"p1","accessToken":"tok"}"#

    /// Makes the instance, and begins an exchange if there is a request.
    init(
        _ json: String? = nil, model: String = "gemini-2.5-flash", config: String = Attempt.config,
        stream: Bool = true, dialect: String = "openai.chat", desk: Desk = Desk()
    ) {
        self.desk = desk
        status = config.borrowed { config in
            PluginTesting.create(
                VertexProvider.self, host: FakeHost.table, ctx: FakeHost.pointer(desk), config: config,
                instance: &instance, error: FakeHost.pointer(failure))
        }
        guard status == 0, let json else { return }
        begin(json, model, stream, dialect)
        if status == 0 { next() }
    }

    private func begin(_ json: String, _ model: String, _ stream: Bool, _ dialect: String) {
        var request = kimi_request()
        request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
        request.flags = stream ? KIMI_REQUEST_STREAM.rawValue : 0
        let copies = [json, model, dialect].map { Copy(Array($0.utf8)) }
        (request.json, request.model, request.dialect) = (copies[0].slice, copies[1].slice, copies[2].slice)
        status = table.begin(instance, &request, &exchange, FakeHost.pointer(failure))
        withExtendedLifetime(copies) {}
    }

    deinit {
        if let machine { auth.end(machine, KIMI_WHY_END.rawValue) }
        if let exchange { table.end(exchange, KIMI_WHY_END.rawValue) }
        if let instance { table.destroy(instance) }
    }

    /// The body as planned.
    var body: String { plan.values(KIMI_FIELD_BODY).joined() }

    @discardableResult
    func next() -> kimi_status {
        plan = PlanRecord()
        status = table.next(exchange, FakeHost.pointer(plan), FakeHost.pointer(failure))
        return status
    }

    // MARK: Token machine

    @discardableResult
    func authenticate(_ key: String? = nil) -> kimi_status {
        let key = key ?? plan.first(KIMI_FIELD_TOKEN_KEY)
        status = key.borrowed { auth.begin(instance, $0, &machine, FakeHost.pointer(failure)) }
        return status == 0 ? authNext() : status
    }

    @discardableResult
    func authNext() -> kimi_status {
        plan = PlanRecord()
        status = auth.next(machine, FakeHost.pointer(plan), FakeHost.pointer(failure))
        return status
    }

    /// A step's result, and the next step.
    @discardableResult
    func authResult(
        _ body: String, http: UInt32 = 200, status code: Int32 = 0, headers: [(String, String)] = []
    ) -> kimi_status {
        result(body, http, code, headers, kind: plan.kind) { auth.result(machine, $0, FakeHost.pointer(failure)) }
        return status == 0 ? authNext() : status
    }

    // MARK: Answer

    /// The answer to TOKEN.
    @discardableResult
    func token(_ body: String, status code: Int32 = 0) -> kimi_status {
        result(body, 0, code, [], kind: KIMI_STEP_TOKEN.rawValue) {
            table.result(exchange, $0, FakeHost.pointer(failure))
        }
        return status == 0 ? next() : status
    }

    @discardableResult
    func head(_ http: UInt32 = 200, _ headers: [(String, String)] = [("Content-Type", "text/event-stream")])
        -> kimi_status
    {
        result("", http, 0, headers, kind: KIMI_STEP_SEND.rawValue) {
            table.result(exchange, $0, FakeHost.pointer(failure))
        }
        return status
    }

    private func result(
        _ body: String, _ http: UInt32, _ code: Int32, _ headers: [(String, String)], kind: UInt32,
        _ call: (UnsafePointer<kimi_result>) -> kimi_status
    ) {
        let copies = headers.map { (Copy(Array($0.0.utf8)), Copy(Array($0.1.utf8))) }
        let text = Copy(Array(body.utf8))
        let list = copies.map { kimi_header(name: $0.0.slice, value: $0.1.slice) }
        list.withUnsafeBufferPointer { list in
            var result = kimi_result()
            result.kind = kind
            result.status = code
            result.http_status = http
            result.body = text.slice
            result.headers = list.baseAddress
            result.n_headers = list.count
            status = call(&result)
        }
        withExtendedLifetime((copies, text)) {}
    }

    @discardableResult
    func events(_ data: [String]) -> kimi_status {
        feed(data.map { (KIMI_FRAME_SSE, 0, Array($0.utf8)) })
    }

    @discardableResult
    func body(_ text: String, flags: UInt32 = 0) -> kimi_status {
        feed([(KIMI_FRAME_BODY, KIMI_FRAME_F_LAST.rawValue | flags, Array(text.utf8))])
    }

    @discardableResult
    func errorBody(_ text: String) -> kimi_status { body(text, flags: KIMI_FRAME_F_ERROR.rawValue) }

    @discardableResult
    func feed(_ frames: [(kind: kimi_frame_kind, flags: UInt32, data: [UInt8])]) -> kimi_status {
        // Exact allocations, so that a read past the end is found by a sanitizer.
        let copies = frames.map { Copy($0.data) }
        let list = zip(frames, copies).map { frame, copy in
            kimi_frame(kind: frame.kind.rawValue, flags: frame.flags, name: kimi_bytes(), data: copy.slice)
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
final class Copy {
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
