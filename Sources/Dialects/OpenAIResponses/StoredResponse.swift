package import CanonicalModel
import PluginABI
package import WireJSON

/// All input items of a request.
enum InputItems {
    /// A JSON array: the stored items, then the input; a string becomes a user's message.
    static func join(_ stored: JSONSpan, _ input: JSONSpan?) -> [UInt8] {
        var list = ListWriter()
        for item in stored.elements { list.next().append(item) }
        if let input, input.kind == .string { write(input, to: list.next()) }
        for item in input?.elements ?? stored.empty {
            if item.kind == .string { write(item, to: list.next()) } else { list.next().append(item) }
        }
        let out = ByteWriter(capacity: list.out.count + 2)
        list.write(to: out)
        return out.bytes
    }

    private static func write(_ text: JSONSpan, to out: ByteWriter) {
        out.append(#"{"type":"message","role":"user","content":[{"type":"input_text","text":"#)
        out.append(text)
        out.append("}]}")
    }
}

/// What is kept of a response for GET, DELETE and `previous_response_id`: `{"response":{...},"items":[...]}`.
///
/// The items are all of the conversation up to the response, so that each record stands alone: a predecessor may be
/// deleted or evicted without harm.
package struct StoredResponse: Sendable {
    /// The response object, as the client got it.
    package let response: [UInt8]
    /// A JSON array of all input items.
    package let items: [UInt8]

    package init(response: [UInt8], items: [UInt8]) {
        self.response = response
        self.items = items.isEmpty ? Array("[]".utf8) : items
    }

    /// The bytes to store.
    package var record: [UInt8] {
        let out = ByteWriter(capacity: response.count + items.count + 32)
        out.append(#"{"response":"#)
        out.append(bytes: response)
        out.append(#","items":"#)
        out.append(bytes: items)
        out.append("}")
        return out.bytes
    }

    /// Reads stored bytes back.
    package init(record: [UInt8]) throws(ExchangeError) {
        let parts: ([UInt8]?, [UInt8]?)? = record.withBytes { bytes in
            guard let outline = try? JSONOutline(bytes) else { return nil }
            return withExtendedLifetime(outline) {
                (outline.root["response"].map { Array($0.raw) }, outline.root["items"].map { Array($0.raw) })
            }
        }
        guard let response = parts?.0, let items = parts?.1 else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "a stored response is damaged")
        }
        (self.response, self.items) = (response, items)
    }

    /// Input and output items in one JSON array: the history of a request that names this response.
    package var history: [UInt8] {
        var list = ListWriter()
        Self.addElements(items, to: &list)
        response.withBytes { bytes in
            guard let outline = try? JSONOutline(bytes) else { return }
            withExtendedLifetime(outline) {
                for item in outline.root["output"]?.elements ?? outline.root.empty { list.next().append(item) }
            }
        }
        let out = ByteWriter(capacity: list.out.count + 2)
        list.write(to: out)
        return out.bytes
    }

    /// The output or input item of that id; nil if there is none.
    package func item(id: String) -> [UInt8]? {
        history.withBytes { bytes in
            guard let outline = try? JSONOutline(bytes) else { return nil }
            return withExtendedLifetime(outline) {
                outline.root.elements.first { $0["id"]?.string == id }.map { Array($0.raw) }
            }
        }
    }

    private static func addElements(_ array: [UInt8], to list: inout ListWriter) {
        array.withBytes { bytes in
            guard let outline = try? JSONOutline(bytes) else { return }
            withExtendedLifetime(outline) {
                for item in outline.root.elements { list.next().append(item) }
            }
        }
    }

    /// The answer to a DELETE.
    package static func writeDeleted(id: String, to out: ByteWriter) {
        out.append(#"{"id":"#)
        out.appendJSONString(id)
        out.append(#","object":"response","deleted":true}"#)
    }
}
