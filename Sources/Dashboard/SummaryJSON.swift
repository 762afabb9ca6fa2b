import RequestLog
import WireJSON

/// One exchange as it stands in the list.
enum SummaryJSON {
    /// Characters of an error's message.
    private static let maxMessage = 300
    private static let copied: Set<String> = [
        "id", "began", "duration_ms", "first_byte_ms", "first_token_ms", "overhead_us", "model", "provider",
        "upstream_model", "dialect", "profile", "client", "stream", "native", "outcome", "status", "finish",
    ]

    static func bytes(of row: LogRow, _ parser: JSONParser) -> [UInt8] {
        let object = JSONObjectWriter()
        object.number("sequence", row.sequence)
        object.number("ended", row.ended)
        if let detail = try? parser.parse(row.detail) {
            for (key, value) in detail.members { write(String(decoding: key, as: UTF8.self), value, object) }
        } else {
            object.text("id", row.id)
            object.text("model", row.model)
        }
        object.number("repairs", Int64(row.repairs))
        return object.end()
    }

    private static func write(_ key: String, _ value: JSONValue, _ object: JSONObjectWriter) {
        switch key {
        case "usage":
            for (name, number) in value.members { object.raw(String(decoding: name, as: UTF8.self), number.json) }
        case "attempts", "dropped": object.number(key, Int64(value.elementCount))
        case "error":
            object.object("error") { object in
                object.text("category", value["category"]?.string)
                object.text("code", value["code"]?.string)
                object.text("message", value["message"]?.string.map { String($0.prefix(maxMessage)) })
            }
        default: if copied.contains(key) { object.raw(key, value.json) }
        }
    }

    /// `{"items": […]` without the closing brace.
    static func items(_ rows: [LogRow], to out: ByteWriter) {
        let parser = JSONParser(maxBytes: 16 << 20)
        out.append(#"{"items":["#)
        for (index, row) in rows.enumerated() {
            if index > 0 { out.append(",") }
            out.append(bytes: withExtendedLifetime(parser) { bytes(of: row, parser) })
        }
        out.append("]")
    }
}
