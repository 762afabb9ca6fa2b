import LogModel
import WireJSON

/// A record without its bodies as one JSON object: what `logs list --json` prints. Members that are not known are left
/// out.
enum RecordJSON {
    static func bytes(of record: ExchangeRecord) -> [UInt8] {
        let object = JSONObjectWriter()
        identity(record, object)
        outcome(record, object)
        usage(record.usage, object)
        object.array("plugins", record.plugins) { plugin, object in
            object.text("name", plugin.name)
            object.text("id", plugin.id)
            object.text("version", plugin.version)
            object.text("sha256", plugin.sha256)
        }
        object.array("attempts", record.attempts, attempt)
        object.array("notes", record.notes) { note, object in
            object.text("plugin", note.plugin)
            object.text("kind", note.kind)
            object.number("count", Int64(note.count))
            if !note.details.isEmpty { object.texts("details", note.details) }
        }
        object.array("dropped", record.dropped) { dropped, object in
            object.text("path", dropped.path)
            object.text("reason", dropped.reason)
        }
        body("request", record.request, object)
        body("reply", record.reply, object)
        return object.end()
    }

    private static func identity(_ record: ExchangeRecord, _ object: JSONObjectWriter) {
        object.text("id", record.id)
        object.number("began", record.began)
        object.text("dialect", record.dialect)
        object.text("profile", record.profile)
        object.text("client", record.client)
        object.text("model", record.model)
        object.text("provider", record.provider)
        object.text("upstream_model", record.upstreamModel)
        object.flag("stream", record.isStream)
        object.flag("native", record.isNative)
    }

    private static func outcome(_ record: ExchangeRecord, _ object: JSONObjectWriter) {
        object.text("outcome", record.outcome.rawValue)
        object.number("status", Int64(record.status))
        object.text("finish", record.finish)
        object.number("duration_ms", record.duration)
        object.number("first_byte_ms", record.firstByte)
        object.number("first_token_ms", record.firstToken)
        object.number("overhead_us", record.overhead)
        failure(record.failure, object)
    }

    private static func failure(_ failure: ExchangeRecord.Failure?, _ object: JSONObjectWriter) {
        guard let failure else { return }
        object.object("error") { object in
            object.text("category", failure.category)
            object.text("code", failure.code)
            object.text("message", failure.message)
        }
    }

    private static func usage(_ usage: ExchangeRecord.Usage, _ object: JSONObjectWriter) {
        guard usage != ExchangeRecord.Usage() else { return }
        object.object("usage") { object in
            object.number("input", usage.input)
            object.number("output", usage.output)
            object.number("cache_read", usage.cacheRead)
            object.number("cache_write", usage.cacheWrite)
            object.number("reasoning", usage.reasoning)
            if let cost = usage.cost {
                object.number("cost", cost)
                object.text("cost_by", usage.isPriced ? "prices" : "upstream")
            }
        }
    }

    private static func attempt(_ attempt: AttemptRecord, _ object: JSONObjectWriter) {
        object.number("number", Int64(attempt.number))
        object.text("provider", attempt.provider)
        object.text("upstream_model", attempt.upstreamModel)
        object.number("began_ms", attempt.began)
        object.text("method", attempt.method.isEmpty ? nil : attempt.method)
        object.text("url", attempt.url.isEmpty ? nil : HiddenParts.url(attempt.url))
        if attempt.isNative { object.flag("native", true) }
        if attempt.isStream { object.flag("stream", true) }
        object.array("headers", attempt.headers, header)
        object.array("changes", attempt.changes) { change, object in
            object.text("plugin", change.plugin)
            object.text("kind", change.isWhole ? "replace" : "merge_patch")
        }
        object.number("status", attempt.status == 0 ? nil : Int64(attempt.status))
        object.array("answer_headers", HiddenParts.headers(attempt.answer), header)
        object.number("head_ms", attempt.head)
        object.number("end_ms", attempt.end)
        object.text("broke", attempt.broke)
        failure(attempt.failure, object)
        object.text("rejected", attempt.rejected)
        body("request", attempt.request, object)
        body("reply", attempt.reply, object)
        object.numbers("arrivals", attempt.arrivals.flatMap { [$0.milliseconds, Int64($0.count)] })
    }

    private static func header(_ header: AttemptRecord.Header, _ object: JSONObjectWriter) {
        object.text("name", header.name)
        object.text("value", HiddenParts.isSecret(header.name) ? ExchangeRecord.hidden : header.value)
    }

    /// What is known of a body beside its bytes.
    private static func body(_ name: String, _ body: RecordedBody, _ object: JSONObjectWriter) {
        guard !body.isEmpty else { return }
        object.number("\(name)_bytes", Int64(body.total))
        if body.isCut { object.number("\(name)_kept", Int64(body.kept)) }
    }
}

/// Writes JSON members one after the other; nil values are left out.
package final class JSONObjectWriter {
    private let out = ByteWriter(capacity: 1_024)
    private var isFirst = true

    package init() { out.append("{") }

    package func end() -> [UInt8] {
        out.append("}")
        return out.bytes
    }

    package func text(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        out.appendJSONString(value)
    }

    package func number(_ name: String, _ value: Int64?) {
        guard let value else { return }
        key(name)
        out.append(int: value)
    }

    package func number(_ name: String, _ value: Double) {
        key(name)
        out.append(double: value)
    }

    package func flag(_ name: String, _ value: Bool) {
        key(name)
        if value { out.append("true") } else { out.append("false") }
    }

    /// `json` must be a JSON value.
    package func raw(_ name: String, _ json: [UInt8]) {
        key(name)
        out.append(bytes: json)
    }

    package func object(_ name: String, _ body: (JSONObjectWriter) -> Void) {
        key(name)
        nested { body(self) }
    }

    package func array<Element>(_ name: String, _ elements: [Element], _ body: (Element, JSONObjectWriter) -> Void) {
        guard !elements.isEmpty else { return }
        list(name, elements) { element in nested { body(element, self) } }
    }

    package func texts(_ name: String, _ values: [String]) { list(name, values) { out.appendJSONString($0) } }

    package func numbers(_ name: String, _ values: [Int64]) {
        if !values.isEmpty { list(name, values) { out.append(int: $0) } }
    }

    private func list<Element>(_ name: String, _ elements: [Element], _ body: (Element) -> Void) {
        key(name)
        out.append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { out.append(",") }
            body(element)
        }
        out.append("]")
    }

    private func nested(_ body: () -> Void) {
        out.append("{")
        isFirst = true
        body()
        isFirst = false
        out.append("}")
    }

    private func key(_ name: String) {
        if !isFirst { out.append(",") }
        isFirst = false
        out.appendJSONString(name)
        out.append(":")
    }
}
