// @NAME@: a provider for upstreams that speak Chat Completions, in Swift on the C header alone.
//
// It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
// tool calls, the finish reason, usage and errors, of the first choice.
//
// A trap (`!`, an index out of range, an overflow) ends the host's process: write code that cannot trap.

let manifest: StaticString = """
    {
      "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
      "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
      "config_schema": {
        "type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
        "properties": {
          "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
          "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}
        }
      }
    }
    """

/// The string that a JSON value holds, as UTF-8; empty if it is no string.
func text(_ value: kimi_bytes) throws(Failure) -> [UInt8] {
    guard value.len >= 2, value.buffer.first == UInt8(ascii: "\"") else { return [] }
    let text = [UInt8](unsafeUninitializedCapacity: value.len) { room, count in
        count = Int(max(json_text(value, room.baseAddress), 0))
    }
    // json_text says -1 for a broken string; one that is not empty must not become so.
    if text.isEmpty, value.len > 2 {
        throw Failure(
            status: KIMI_E_PROTOCOL, category: KIMI_CAT_PROTOCOL, sentence: "a string of the upstream cannot be decoded")
    }
    return text
}

/// A configured use. Nothing changes it after create: many threads use it at once.
final class Instance: Sendable {
    nonisolated(unsafe) let host: Host
    let url: [UInt8]
    let authorization: [UInt8]

    init(host: Host, config: kimi_bytes) throws(Failure) {
        var url = try text(json_get(config, "baseUrl"))
        let key = try text(json_get(config, "apiKey"))
        guard !url.isEmpty, !key.isEmpty else {
            throw Failure(
                status: KIMI_E_CONFIG, category: KIMI_CAT_CONFIG, sentence: "apiKey and baseUrl must be strings")
        }
        while url.last == UInt8(ascii: "/") { url.removeLast() }
        self.host = host
        self.url = url + Array("/chat/completions".utf8)
        self.authorization = Array("Bearer ".utf8) + key
    }
}

/// One attempt of one request.
final class Exchange {
    let instance: Instance
    private var status: UInt32 = 0
    private var retryAfterMs: Int64 = -1
    private var isStarted = false
    private(set) var isFinished = false
    /// ERROR was emitted, and nothing may follow it.
    private var isFailed = false
    /// The open tool call, by the upstream's index (-1: it gave none). `calls` were begun; ours count from 0.
    private var call: Int64?
    private var calls: UInt32 = 0

    init(_ instance: Instance) { self.instance = instance }

    private var host: kimi_host { instance.host.pointee }

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    func plan(_ plan: OpaquePointer?) throws(Failure) {
        let patch: StaticString = #"{"stream":true,"stream_options":{"include_usage":true}}"#
        try field(plan, KIMI_FIELD_URL, "", instance.url)
        let type: StaticString = "application/json"
        if host.plan_field(plan, KIMI_FIELD_HEADER.rawValue, kimi_bytes("Content-Type"), kimi_bytes(type)) < 0 {
            throw Failure.refused
        }
        try field(plan, KIMI_FIELD_SECRET_HEADER, "Authorization", instance.authorization)  // in no log
        if host.plan_field(plan, KIMI_FIELD_BODY_PATCH.rawValue, kimi_bytes(""), kimi_bytes(patch)) < 0 {
            throw Failure.refused
        }
        if host.plan_step(plan, KIMI_STEP_SEND.rawValue, 0, UInt64(KIMI_SEND_STREAM.rawValue)) < 0 {
            throw Failure.refused
        }
    }

    private func field(
        _ plan: OpaquePointer?, _ field: kimi_field, _ key: StaticString, _ value: [UInt8]
    ) throws(Failure) {
        let status = value.withUnsafeBufferPointer {
            host.plan_field(plan, field.rawValue, kimi_bytes(key), kimi_bytes($0))
        }
        if status < 0 { throw Failure.refused }
    }

    /// The answer's head.
    func head(_ result: kimi_result) {
        status = result.http_status
        for header in UnsafeBufferPointer(start: result.headers, count: result.n_headers) {
            let name = header.name.buffer.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
            let seconds = json_count(header.value)
            if seconds >= 0, name == Array("retry-after".utf8) { retryAfterMs = seconds * 1000 }
        }
    }

    /// False: nobody listens any more.
    private func emit(
        _ sink: OpaquePointer?, _ type: kimi_event_type, _ a: [UInt8] = [], _ b: [UInt8] = [],
        _ numbers: (Int64, Int64, Int64, Int64) = (0, 0, 0, 0), index: UInt32 = 0
    ) throws(Failure) -> Bool {
        let status = a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var event = kimi_event()
                event.type = type.rawValue
                event.index = index
                (event.a, event.b) = (kimi_bytes(a), kimi_bytes(b))
                (event.i0, event.i1, event.i2, event.i3) = numbers
                return host.emit(sink, &event, 1)
            }
        }
        return try !isStop(status)
    }

    /// ERROR is the last event of a reply.
    private func failWith(_ sink: OpaquePointer?, _ message: [UInt8]) throws(Failure) -> Bool {
        if isFailed { return true }
        isFinished = true
        isFailed = true
        return try emit(
            sink, KIMI_EVENT_ERROR, message, [],
            (Int64(Self.category(status).rawValue), Int64(status), retryAfterMs, 0))
    }

    private static func category(_ status: UInt32) -> kimi_category {
        switch status {
        case 401: KIMI_CAT_AUTH
        case 402: KIMI_CAT_QUOTA
        case 403: KIMI_CAT_PERMISSION
        case 404: KIMI_CAT_NOT_FOUND
        case 408: KIMI_CAT_TIMEOUT
        case 429: KIMI_CAT_RATE_LIMITED
        case 503: KIMI_CAT_OVERLOADED
        case 400...499: KIMI_CAT_BAD_REQUEST
        default: KIMI_CAT_UPSTREAM
        }
    }

    private func upstreamError(_ sink: OpaquePointer?, _ body: kimi_bytes) throws(Failure) -> Bool {
        let message = try text(json_get(json_get(body, "error"), "message"))
        let unknown = Array("the upstream answered with an error that has no message".utf8)
        return try failWith(sink, message.isEmpty ? unknown : message)
    }

    private func endCall(_ sink: OpaquePointer?) throws(Failure) -> Bool {
        if call == nil { return true }
        call = nil
        return try emit(sink, KIMI_EVENT_TOOL_END, index: calls &- 1)
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    private func beginCall(
        _ sink: OpaquePointer?, _ number: Int64, id: [UInt8], name: [UInt8]
    ) throws(Failure) -> Bool {
        guard try endCall(sink) else { return false }
        if name.isEmpty {
            return try failWith(sink, Array("the upstream sent a piece of a tool call that had not begun".utf8))
        }
        call = number
        calls &+= 1
        return try emit(sink, KIMI_EVENT_TOOL_BEGIN, id, name, index: calls &- 1)
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    private func takeCall(_ sink: OpaquePointer?, _ piece: kimi_bytes) throws(Failure) -> Bool {
        let function = json_get(piece, "function")
        let number = json_count(json_get(piece, "index"))
        let id = try text(json_get(piece, "id"))
        if call != number || (number < 0 && !id.isEmpty) {
            let name = try text(json_get(function, "name"))
            guard try beginCall(sink, number, id: id, name: name) else { return false }
            if isFinished { return true }
        }
        let arguments = json_get(function, "arguments")
        let isObject = json_inside(arguments, UInt8(ascii: "{")).len > 0
        let written = isObject ? Array(arguments.buffer) : try text(arguments)
        if written.isEmpty { return true }
        return try emit(sink, KIMI_EVENT_TOOL_ARGS, written, index: calls &- 1)
    }

    private func takeDelta(_ sink: OpaquePointer?, _ choice: kimi_bytes) throws(Failure) -> Bool {
        if json_count(json_get(choice, "index")) > 0 {
            return try failWith(sink, Array("plugin @NAME@ decodes one choice; ask without n".utf8))
        }
        let delta = json_get(choice, "delta")
        let thought = try text(json_get(delta, "reasoning_content"))
        if !thought.isEmpty, try !emit(sink, KIMI_EVENT_REASONING, thought) { return false }
        let content = try text(json_get(delta, "content"))
        if !content.isEmpty, try !emit(sink, KIMI_EVENT_TEXT, content) { return false }
        var pieces = json_inside(json_get(delta, "tool_calls"), UInt8(ascii: "["))
        var piece = kimi_bytes()
        while !isFinished, json_next(&pieces, &piece) != 0 {
            guard try takeCall(sink, piece) else { return false }
        }
        let reason = try text(json_get(choice, "finish_reason"))
        if isFinished || reason.isEmpty { return true }
        guard try endCall(sink) else { return false }
        isFinished = true
        return try emit(sink, KIMI_EVENT_FINISH, reason, reason)
    }

    /// One chunk. False: nobody listens any more.
    private func takeChunk(_ sink: OpaquePointer?, _ data: kimi_bytes) throws(Failure) -> Bool {
        let brace = UInt8(ascii: "{")
        if isFailed { return true }
        if json_inside(json_get(data, "error"), brace).len > 0, !isFinished { return try upstreamError(sink, data) }
        if !isStarted {
            isStarted = true
            let created = max(json_count(json_get(data, "created")), 0)
            let (id, model) = (try text(json_get(data, "id")), try text(json_get(data, "model")))
            guard try emit(sink, KIMI_EVENT_START, id, model, (created, 0, 0, 0)) else { return false }
        }
        if !isFinished, try !takeDelta(sink, json_first(json_get(data, "choices"))) { return false }
        let usage = json_get(data, "usage")
        guard !isFailed, json_inside(usage, brace).len > 0 else { return true }
        let input = json_count(json_get(usage, "prompt_tokens"))
        return try emit(
            sink, KIMI_EVENT_USAGE, [], [], (input, json_count(json_get(usage, "completion_tokens")), -1, -1))
    }

    /// KIMI_OK: go on; KIMI_STOP: nobody listens; KIMI_DONE: the reply is complete.
    func feed(_ frame: kimi_frame, _ sink: OpaquePointer?) throws(Failure) -> kimi_status_code {
        if frame.flags & KIMI_FRAME_F_ERROR.rawValue != 0 {
            return try upstreamError(sink, frame.data) ? KIMI_OK : KIMI_STOP
        }
        guard frame.kind == KIMI_FRAME_SSE.rawValue else { return KIMI_OK }
        if json_equals(frame.data, "[DONE]") != 0 { return KIMI_DONE }
        let data = json_skip_space(frame.data)
        guard data.buffer.first == UInt8(ascii: "{") else {
            throw Failure(
                status: KIMI_E_PROTOCOL, category: KIMI_CAT_PROTOCOL,
                sentence: "the upstream's stream is not made of JSON objects")
        }
        return try takeChunk(sink, data) ? KIMI_OK : KIMI_STOP
    }
}

// MARK: The table

nonisolated(unsafe) let table: UnsafePointer<kimi_provider> = {
    let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
    table.initialize(
        to: kimi_provider(
            struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0,
            create: { host, _, config, instance, error in
                guard let host, let instance else { return misuse }
                return guarded(host, error) { () throws(Failure) in
                    instance.pointee = handedOver(try Instance(host: host, config: config))
                    return KIMI_OK
                }
            },
            destroy: { takenBack($0) },
            begin: { instance, _, exchange, _ in
                guard let instance = borrowed(instance, Instance.self), let exchange else { return misuse }
                exchange.pointee = handedOver(Exchange(instance))
                return kimi_status(KIMI_OK.rawValue)
            },
            next: { exchange, plan, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    try exchange.plan(plan)
                    return KIMI_OK
                }
            },
            result: { exchange, result, _ in
                guard let exchange = borrowed(exchange, Exchange.self), let result else { return misuse }
                exchange.head(result.pointee)
                return kimi_status(KIMI_OK.rawValue)
            },
            feed: { exchange, frames, n, sink, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    for frame in UnsafeBufferPointer(start: frames, count: n) {
                        let status = try exchange.feed(frame, sink)
                        if status == KIMI_STOP { return KIMI_OK }
                        if status != KIMI_OK { return status }
                    }
                    return KIMI_OK
                }
            },
            flush: { exchange, why, _, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    // A reply that did not finish is a failure, never a short answer.
                    if exchange.isFinished || why == KIMI_WHY_CANCELLED.rawValue { return KIMI_OK }
                    throw Failure(
                        status: KIMI_E_PROTOCOL, category: KIMI_CAT_UPSTREAM,
                        sentence: "the upstream's answer ended before its finish_reason")
                }
            },
            end: { exchange, _ in takenBack(exchange) }))
    return UnsafePointer(table)
}()

@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    answer(handshake, manifest) { id in
        guard let id, String(cString: id) == KIMI_PROVIDER_ID else { return nil }
        return UnsafeRawPointer(table)
    }
}
