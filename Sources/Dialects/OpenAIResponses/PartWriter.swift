import CanonicalModel
import WireJSON

/// Content parts of the Responses API as canonical ones.
enum PartWriter {
    /// The parts of a user's, system's or tool's message: a string stays one, an array is written part by part.
    static func content(_ value: JSONSpan, _ list: StaticString, _ place: Place, to out: ByteWriter)
        throws(ExchangeError)
    {
        if value.kind == .string { return out.append(value) }
        guard value.kind == .array else { throw .wrong(place.path(list), "a string or an array of parts", value.kind) }
        if let text = try onlyText(value, list, place) { return out.append(text) }
        var index = 0
        out.append("[")
        for part in value.elements {
            if index > 0 { out.append(",") }
            try write(Fields(part, place.inside(list, index)), to: out)
            index += 1
        }
        out.append("]")
    }

    /// A single text part without a mark is the same as a string, which every upstream takes.
    private static func onlyText(
        _ parts: JSONSpan, _ list: StaticString, _ place: Place
    ) throws(ExchangeError) -> JSONSpan? {
        var elements = parts.elements
        guard let first = elements.next(), elements.next() == nil else { return nil }
        let part = try Fields(first, place.inside(list, 0))
        guard isText(try part.required("type")), part.value("prompt_cache_breakpoint") == nil,
            part.value("cache_control") == nil
        else { return nil }
        return try part.required("text")
    }

    static func isText(_ type: JSONSpan) -> Bool {
        type.matches("input_text") || type.matches("output_text") || type.matches("text")
    }

    /// One part of any kind but refusals.
    static func write(_ part: Fields, to out: ByteWriter) throws(ExchangeError) {
        let type = try part.required("type")
        if isText(type) {
            let text = try part.required("text")
            if let control = part.value("cache_control") {
                out.append(#"{"type":"text","text":"#)
                out.append(text)
                out.append(#","cache_control":"#)
                out.append(control)
                return out.append("}")
            }
            self.text(text, breakpoint: part.value("prompt_cache_breakpoint") != nil, to: out)
        } else if type.matches("input_image") {
            try image(part, to: out)
        } else if type.matches("input_file") {
            try file(part, to: out)
        } else if type.matches("input_audio") || type.matches("image_url") || type.matches("file") {
            out.append(part.object)  // Chat's own
        } else {
            native(part.object, to: out)
        }
    }

    /// An explicit cache breakpoint is Anthropic's `cache_control` by another name.
    static func text(_ text: JSONSpan, breakpoint: Bool, to out: ByteWriter) {
        out.append(#"{"type":"text","text":"#)
        out.append(text)
        end(breakpoint: breakpoint, to: out)
    }

    static func native(_ part: JSONSpan, to out: ByteWriter) {
        out.append(#"{"type":"native","native":"#)
        out.append(part)
        out.append("}")
    }

    private static func end(breakpoint: Bool, to out: ByteWriter) {
        if breakpoint { out.append(#","cache_control":{"type":"ephemeral"}"#) }
        out.append("}")
    }

    private static func image(_ part: Fields, to out: ByteWriter) throws(ExchangeError) {
        let detail = try part.string("detail")
        guard let url = try imageURL(part) else {
            guard try part.string("file_id") != nil else { throw part.missing("image_url", "a string") }
            return native(part.object, to: out)
        }
        out.append(#"{"type":"image_url","image_url":{"url":"#)
        out.append(url)
        if let detail {
            out.append(#","detail":"#)
            out.append(detail)
        }
        out.append("}")
        end(breakpoint: part.value("prompt_cache_breakpoint") != nil, to: out)
    }

    private static func imageURL(_ part: Fields) throws(ExchangeError) -> JSONSpan? {
        guard let value = part.value("image_url") else { return nil }
        if let url = value["url"], url.kind == .string { return url }
        return try part.string("image_url")
    }

    private static func file(_ part: Fields, to out: ByteWriter) throws(ExchangeError) {
        let names: [StaticString] = ["file_data", "file_url", "file_id"]
        out.append(#"{"type":"file","file":{"#)
        var members = MemberWriter(out)
        var hasSource = false
        for name in names {
            guard let value = try part.string(name) else { continue }
            members.copy(name, value)
            hasSource = true
        }
        guard hasSource else {
            throw .badRequest(
                "'\(part.place.path())' has no file: give file_data, file_url or file_id", param: part.place.path())
        }
        members.copy("filename", try part.string("filename"))
        out.append("}")
        if let detail = try part.string("detail") {
            out.append(#","detail":"#)
            out.append(detail)
        }
        end(breakpoint: part.value("prompt_cache_breakpoint") != nil, to: out)
    }
}
