package import PluginABI
internal import PluginKit
package import WireJSON

/// What an upstream says went wrong, in whichever of the known shapes it says it.
package struct UpstreamError {
    package private(set) var message = ""
    /// The upstream's own word for it.
    private(set) var code = ""
    private var type = ""
    private(set) var httpStatus: UInt32
    private var excerpt = ""
    private(set) var retryAfterMs: Int64 = -1
    /// What the model wrote and the upstream could not make a tool call of (Groq).
    private var failedGeneration = ""
    /// From bodies that repeat the upstream's headers (OpenRouter): unix ms.
    private var resetsAt: Int64?

    /// A failure that the upstream only hints at.
    init(message: String) {
        self.message = message
        httpStatus = 0
    }

    /// From an `error` member's value, or an object that is an error as a whole. `httpStatus`: 0 if unknown.
    package init(_ error: JSONValue, httpStatus: UInt32) {
        self.httpStatus = httpStatus
        read(error)
        if httpStatus == 0, let number = UInt32(code), (400...599).contains(number) { self.httpStatus = number }
        findRetry(0)
    }

    /// From the body of an answer with an error status.
    package init(
        body: UnsafeRawBufferPointer, httpStatus: UInt32, retryAfterMs: Int64, now: UInt64, workspace: Workspace
    ) {
        self.httpStatus = httpStatus
        self.retryAfterMs = retryAfterMs
        excerpt = Excerpt.of(body)
        guard let root = try? workspace.parse(body.trimmed) else {
            message = Self.opaque(body, httpStatus, excerpt)
            return
        }
        let first = root.isArray ? root[index: 0] ?? root : root
        read(first["error"].flatMap { $0.isNull ? nil : $0 } ?? first)
        if type.isEmpty { type = first["type"]?.string ?? "" }
        if message.isEmpty { message = "The upstream answered \(httpStatus) without a message: \(excerpt)." }
        findRetry(now)
    }

    /// How long to wait, from the body where no header says so.
    private mutating func findRetry(_ now: UInt64) {
        guard retryAfterMs < 0, httpStatus == 429 || httpStatus == 503 else { return }
        if let resetsAt, now > 0 {
            retryAfterMs = RetryAfter.until(resetsAt, now: now)
        } else {
            retryAfterMs = RetryAfter.said(in: message) ?? -1
        }
    }

    /// Adds the model's text as a whole answer in place of the error, if the upstream refused only what its own model
    /// wrote: a transform may find the tool call in it. False if it is no such error.
    func recover(to workspace: Workspace) -> Bool {
        guard httpStatus == 400, code == "tool_use_failed", !failedGeneration.isEmpty else { return false }
        workspace.add(kimi_event(KIMI_EVENT_START))
        workspace.add(kimi_event(KIMI_EVENT_TEXT))
        workspace.attach(.a, copyOf: Array(failedGeneration.utf8))
        var finish = kimi_event(KIMI_EVENT_FINISH)
        finish.a = kimi_bytes(literal: "stop")
        finish.b = kimi_bytes(literal: "tool_use_failed")
        workspace.add(finish)
        return true
    }

    /// What the host's policies make of it.
    package var category: kimi_category {
        ErrorCategory.of(code: code, type: type, message: message, httpStatus: httpStatus)
    }

    /// Adds the ERROR event.
    package mutating func add(to workspace: Workspace) {
        if message.isEmpty { message = "The upstream reported an error without a message." }
        var event = kimi_event(KIMI_EVENT_ERROR)
        event.i0 = Int64(category.rawValue)
        event.i1 = Int64(httpStatus)
        event.i2 = retryAfterMs
        workspace.add(event)
        workspace.attach(.a, copyOf: Array(message.utf8))
        workspace.attach(.b, copyOf: Array((code.isEmpty ? type : code).utf8))
        workspace.attach(.c, copyOf: Array(excerpt.utf8))
    }

    private static func opaque(_ body: UnsafeRawBufferPointer, _ status: UInt32, _ excerpt: String) -> String {
        body.trimmed.isEmpty
            ? "The upstream answered \(status) with an empty body."
            : "The upstream answered \(status) with a body that is not JSON: \(excerpt)"
    }

    // MARK: Shapes

    private mutating func read(_ error: JSONValue) {
        if let text = error.string {
            message = text
            return
        }
        type = error["type"]?.string ?? ""
        code = word(error["code"]) ?? error["status"]?.string ?? ""
        failedGeneration = error["failed_generation"]?.string ?? ""
        message = text(error["message"]) ?? text(error["error"]) ?? text(error["detail"]) ?? text(error["msg"]) ?? ""
        if message.isEmpty, let list = error["errors"] { message = text(list) ?? "" }
        readMetadata(error["metadata"])
    }

    private func word(_ value: JSONValue?) -> String? {
        guard let value, !value.isNull else { return nil }
        return value.string ?? value.int.map { String($0) }
    }

    /// A string; FastAPI's list of `{"loc": […], "msg": …}`; an object with a message; else its JSON.
    private func text(_ value: JSONValue?) -> String? {
        guard let value, !value.isNull else { return nil }
        if let text = value.string { return text.isEmpty ? nil : text }
        if let inner = value["message"]?.string { return inner }
        if value.isArray, value.elementCount > 0 {
            return value.elements.map { entry in
                let place = (entry["loc"]?.elements).map { $0.compactMap { word($0) }.joined(separator: ".") }
                let said = entry.string ?? entry["msg"]?.string ?? entry["message"]?.string
                return (place.map { $0 + ": " } ?? "") + (said ?? String(decoding: entry.json, as: UTF8.self))
            }.joined(separator: "; ")
        }
        return value.isObject ? String(decoding: value.json, as: UTF8.self) : word(value)
    }

    /// OpenRouter wraps what its upstream said, and repeats headers of its own.
    private mutating func readMetadata(_ metadata: JSONValue?) {
        guard let metadata else { return }
        let name = metadata["provider_name"]?.string
        if let raw = metadata["raw"] {
            let said = Self.inner(raw) ?? raw.string ?? String(decoding: raw.json, as: UTF8.self)
            let excerpt = Array(said.utf8).withUnsafeBytes { Excerpt.of($0) }
            message += " (\(name.map { $0 + ": " } ?? "")\(excerpt))"
        } else if let reasons = metadata["reasons"], reasons.isArray {
            let list = reasons.elements.compactMap(\.string).joined(separator: ", ")
            message += " (\(name.map { $0 + ": " } ?? "")\(list))"
        } else if let name {
            message += " (\(name))"
        }
        metadata["headers"]?.forEachMember { key, value in
            guard key.matchesIgnoringCase("x-ratelimit-reset") else { return }
            resetsAt = value.int ?? value.string.flatMap { Int64($0) }
        }
        if retryAfterMs < 0, let seconds = metadata["retry_after_seconds"]?.double { readSeconds(seconds) }
    }

    private mutating func readSeconds(_ seconds: Double) {
        guard seconds.isFinite, seconds >= 0 else { return }
        retryAfterMs = Int64(min(seconds * 1000, 86_400_000).rounded(.up))
    }

    /// The message in an error of the wrapped upstream's own: an object, or its text.
    private static func inner(_ raw: JSONValue) -> String? {
        let parser = JSONParser()
        var root = raw
        if let text = raw.stringBytes {
            guard text.first == UInt8(ascii: "{"), let parsed = try? parser.parse(text) else { return nil }
            root = parsed
        }
        return withExtendedLifetime(parser) {
            root["error"]?["message"]?.string ?? root["message"]?.string ?? root["error"]?.string
        }
    }
}
