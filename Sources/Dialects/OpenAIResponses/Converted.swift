import CanonicalModel
import PluginABI
import WireJSON

/// What Chat and Responses say in different shapes.
enum Converted {
    /// Chat's token probability, with the members that Responses requires; nil if it is none.
    static func logprob(_ entry: JSONSpan) -> ByteWriter? {
        guard let out = token(entry) else { return nil }
        out.append(#","top_logprobs":"#)
        var top = ListWriter()
        for other in entry["top_logprobs"].map({ Array($0.elements) }) ?? [] {
            guard let token = token(other) else { continue }
            let place = top.next()
            place.append(token)
            place.append("}")
        }
        top.write(to: out)
        out.append("}")
        return out
    }

    private static func token(_ entry: JSONSpan) -> ByteWriter? {
        guard let token = entry["token"], token.kind == .string, let value = entry["logprob"], value.isNumber else {
            return nil
        }
        let out = ByteWriter(capacity: 128)
        out.append(#"{"token":"#)
        out.append(token)
        out.append(#","logprob":"#)
        out.append(value)
        out.append(#","bytes":"#)
        if let bytes = entry["bytes"], bytes.kind == .array, bytes.elements.allSatisfy({ $0.kind == .int }) {
            out.append(onOneLine: bytes)
        } else {
            out.append("[]")
        }
        return out
    }

    /// Chat's `{"type":"url_citation","url_citation":{...}}`, flat; nil for what is no annotation of a response.
    static func annotation(_ entry: JSONSpan) -> ByteWriter? {
        let inner = entry["url_citation"] ?? entry
        guard entry["type"]?.matches("url_citation") ?? false, let url = inner["url"], url.kind == .string else {
            return nil
        }
        let out = ByteWriter(capacity: 256)
        out.append(#"{"type":"url_citation","url":"#)
        out.append(url)
        out.append(#","title":"#)
        if let title = inner["title"], title.kind == .string { out.append(title) } else { out.append("\"\"") }
        for name: StaticString in ["start_index", "end_index"] {
            out.append(",\"")
            out.append(name)
            out.append("\":")
            if let index = inner[name], index.kind == .int { out.append(index) } else { out.append("0") }
        }
        out.append("}")
        return out
    }
}

extension ResponsesEncoder {
    /// A part that is not text: images become image_generation_call items. Why it is dropped, or nil.
    func addPart(_ json: kimi_bytes) -> String? {
        guard json.len > 0, let outline = try? JSONOutline(json.buffer) else { return "it is empty" }
        return withExtendedLifetime(outline) {
            let image = outline.root["image_url"]
            guard let url = image?["url"] ?? image, url.kind == .string else { return "only images can be shown" }
            url.decoded.withUnsafeBytes { add(image: $0) }
            return nil
        }
    }

    private func add(image url: UnsafeRawBufferPointer) {
        guard let data = Self.inlineData(url) else {
            let text = ByteWriter(capacity: url.count + 16)
            text.append("![image](")
            text.append(bytes: url)
            text.append(")")
            return text.withBytes { bytes in withMessage { $0.addText(bytes, events) } }
        }
        close()
        flushPending()
        let place = nextPlace("ig")
        let item = ByteWriter(capacity: url.count + 128)
        item.append(#"{"id":"#)
        item.append(bytes: place.id)
        item.append(#","type":"image_generation_call","status":"completed","result":"#)
        item.appendJSONString(data)
        item.append("}")
        place.event("response.output_item.added", events) { out in
            out.append(#"{"id":"#)
            out.append(bytes: place.id)
            out.append(#","type":"image_generation_call","status":"in_progress","result":null}"#)
        }
        place.event("response.output_item.done", events) { $0.append(item) }
        items.next().append(item)
    }

    /// What follows the comma of a base64 `data:` URL; nil for others.
    private static func inlineData(_ url: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme: StaticString = "data:"
        guard url.count > 5, UnsafeRawBufferPointer(rebasing: url[..<5]).matches(scheme),
            let comma = url.firstIndex(of: UInt8(ascii: ",")), url[..<comma].suffix(7).elementsEqual(";base64".utf8)
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: url[(comma + 1)...])
    }
}
