import CanonicalModel
import PluginABI
import WireJSON

/// Stored items, outlined; every span of it is valid as long as this lives.
final class HeldHistory {
    private var texts: [Text] = []
    /// The items of the previous response: an array, possibly empty.
    private(set) var items: JSONSpan
    /// Items by id.
    private(set) var known: [String: JSONSpan] = [:]

    /// A text of its own, so that its bytes stay where they are.
    private final class Text {
        let bytes: ByteWriter
        let outline: JSONOutline

        init(_ json: [UInt8]) throws(JSONError) {
            bytes = ByteWriter(capacity: json.count)
            bytes.append(bytes: json)
            outline = try JSONOutline(bytes.unsafeBytes)
        }
    }

    init(_ history: ResponsesHistory) throws(ExchangeError) {
        do {
            let text = try Text(history.items.isEmpty ? Array("[]".utf8) : history.items)
            texts = [text]
            items = text.outline.root
            for item in items.elements {
                if let id = item["id"]?.string { known[id] = item }
            }
            for (id, json) in history.referenced {
                let text = try Text(json)
                texts.append(text)
                known[id] = text.outline.root
            }
        } catch {
            throw ExchangeError(KIMI_CAT_INTERNAL, "a stored response is damaged: \(error.message)")
        }
    }
}
