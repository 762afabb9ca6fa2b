import WireJSON

/// Spans as the body of an OTLP/HTTP request, in its JSON encoding
/// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md, "JSON Protobuf Encoding"):
/// ids in hexadecimal, enumerations as numbers, 64-bit numbers as strings.
enum SpanJSON {
    static func body(_ spans: [Span], _ resource: [TracingResource]) -> [UInt8] {
        let out = ByteWriter(capacity: 256 + spans.count * 1_024)
        out.append(#"{"resourceSpans":[{"resource":{"attributes":["#)
        for (place, attribute) in resource.enumerated() {
            if place > 0 { out.append(",") }
            out.append(#"{"key":"#)
            out.appendJSONString(attribute.name)
            out.append(#","value":{"stringValue":"#)
            out.appendJSONString(attribute.value)
            out.append("}}")
        }
        out.append(#"]},"scopeSpans":[{"scope":{"name":"kimi-host"},"spans":["#)
        for (place, span) in spans.enumerated() {
            if place > 0 { out.append(",") }
            write(span, to: out)
        }
        out.append("]}]}]}")
        return out.bytes
    }

    private static func write(_ span: Span, to out: ByteWriter) {
        out.append(#"{"traceId":""#)
        out.append(utf8: span.context.traceID.text)
        out.append(#"","spanId":""#)
        out.append(utf8: Hexadecimal.text(span.context.spanID))
        out.append("\"")
        if span.parent != 0 {
            out.append(#","parentSpanId":""#)
            out.append(utf8: Hexadecimal.text(span.parent))
            out.append("\"")
        }
        if !span.context.state.isEmpty {
            out.append(#","traceState":"#)
            out.appendJSONString(span.context.state)
        }
        out.append(#","flags":"#)
        out.append(int: flags(span))
        out.append(#","name":"#)
        out.appendJSONString(span.name)
        out.append(#","kind":"#)
        out.append(int: span.kind.rawValue)
        writeTime(#","startTimeUnixNano":""#, span.began, to: out)
        writeTime(#","endTimeUnixNano":""#, span.ended, to: out)
        writeAttributes(span.attributes, to: out)
        writeEvents(span.events, to: out)
        out.append(span.isError ? #","status":{"code":2}}"# : #","status":{}}"#)
    }

    /// Those of the trace, and whether the parent is remote, which is known.
    private static func flags(_ span: Span) -> Int64 {
        span.context.flags | 0x100 | (span.isParentRemote ? 0x200 : 0)
    }

    private static func writeTime(_ key: StaticString, _ time: UInt64, to out: ByteWriter) {
        out.append(key)
        out.append(uint: time)
        out.append("\"")
    }

    private static func writeEvents(_ events: [Span.Event], to out: ByteWriter) {
        guard !events.isEmpty else { return }
        out.append(#","events":["#)
        for (place, event) in events.enumerated() {
            if place > 0 { out.append(",") }
            writeTime(#"{"timeUnixNano":""#, event.time, to: out)
            out.append(#","name":""#)
            out.append(event.name)
            out.append("\"}")
        }
        out.append("]")
    }

    private static func writeAttributes(_ attributes: [Span.Attribute], to out: ByteWriter) {
        out.append(#","attributes":["#)
        for (place, attribute) in attributes.enumerated() {
            if place > 0 { out.append(",") }
            out.append(#"{"key":""#)
            out.append(attribute.key)
            out.append(#"","value":"#)
            write(attribute.value, to: out)
            out.append("}")
        }
        out.append("]")
    }

    private static func write(_ value: Span.Value, to out: ByteWriter) {
        switch value {
        case .text(let text):
            out.append(#"{"stringValue":"#)
            out.appendJSONString(text)
        case .number(let number):
            out.append(#"{"intValue":""#)
            out.append(int: number)
            out.append("\"")
        case .double(let number):
            out.append(#"{"doubleValue":"#)
            out.append(double: number)
        case .flag(let flag):
            out.append(#"{"boolValue":"#)
            out.append(flag ? "true" : "false")
        case .texts(let texts):
            out.append(#"{"arrayValue":{"values":["#)
            for (place, text) in texts.enumerated() {
                if place > 0 { out.append(",") }
                write(.text(text), to: out)
            }
            out.append("]}")
        }
        out.append("}")
    }
}
