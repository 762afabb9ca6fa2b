import CanonicalModel
import PluginABI
import WireJSON

/// PART events whose content is bytes instead of JSON.
enum InlinePart {
    /// The part's JSON: `image_url` for images, `file` for all else, both with a `data:` URL.
    static func json(_ event: CanonicalEvent) -> ByteWriter {
        let out = ByteWriter(capacity: event.c.len / 3 * 4 + 128)
        let isImage = event.b.buffer.starts(with: "image/".utf8)
        out.append(
            isImage ? #"{"type":"image_url","image_url":{"url":"data:"# : #"{"type":"file","file":{"file_data":"data:"#)
        if event.b.len > 0 { out.appendJSONEscaped(event.b.buffer) } else { out.append("application/octet-stream") }
        out.append(";base64,")
        Base64.writeStandard(event.c.buffer, to: out)
        out.append(#""}}"#)
        return out
    }
}
