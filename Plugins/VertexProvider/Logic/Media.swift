internal import WireJSON

/// Images, documents and sounds as parts: bytes inline, addresses by reference.
enum Media {
    /// What kind of thing it is, for an address whose ending says nothing.
    enum Kind: String {
        case image = "image/jpeg"
        case document = "application/pdf"
        case audio = "audio/mpeg"
        case video = "video/mp4"
    }

    /// Writes `"inlineData":{…}` or `"fileData":{…}`; false if the text is neither a data URL nor an address.
    /// `text`: of a JSON string, decoded. `type`: the media type, if the request says it.
    static func write(_ text: UnsafeRawBufferPointer, _ kind: Kind, type: String? = nil, to out: ByteWriter) -> Bool {
        if hasPrefix(text, "data:") { return writeData(text, kind, type, to: out) }
        guard ["http://", "https://", "gs://"].contains(where: { hasPrefix(text, $0) }) else { return false }
        out.append(#""fileData":{"mimeType":"#)
        out.appendJSONString(type ?? guess(text) ?? kind.rawValue)
        out.append(#","fileUri":"#)
        out.appendJSONString(text)
        out.append("}")
        return true
    }

    /// Bytes that are base64 already.
    static func writeInline(_ base64: UnsafeRawBufferPointer, type: String, to out: ByteWriter) {
        out.append(#""inlineData":{"mimeType":"#)
        out.appendJSONString(type)
        out.append(#","data":"#)
        out.appendJSONString(base64)
        out.append("}")
    }

    /// `data:image/png;base64,…`; what is not base64 is percent-encoded text.
    private static func writeData(
        _ text: UnsafeRawBufferPointer, _ kind: Kind, _ type: String?, to out: ByteWriter
    ) -> Bool {
        guard let comma = text.firstIndex(of: UInt8(ascii: ",")) else { return false }
        let head = String(decoding: text[5..<comma], as: UTF8.self).lowercased()
        let named = head.split(separator: ";", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let data = UnsafeRawBufferPointer(rebasing: text[(comma + 1)...])
        let mime = named.isEmpty ? type ?? kind.rawValue : named
        guard !head.hasSuffix(";base64") else {
            writeInline(data, type: mime, to: out)
            return true
        }
        Base64.encode(percentDecoded(data)).withUnsafeBytes { writeInline($0, type: mime, to: out) }
        return true
    }

    private static func percentDecoded(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes: [UInt8] = []
        var position = 0
        while position < text.count {
            if text[position] == UInt8(ascii: "%"), position + 2 < text.count,
                let value = UInt8(String(decoding: text[(position + 1)...(position + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                position += 3
            } else {
                bytes.append(text[position])
                position += 1
            }
        }
        return bytes
    }

    private static func hasPrefix(_ text: UnsafeRawBufferPointer, _ prefix: String) -> Bool {
        text.count >= prefix.utf8.count
            && zip(text, prefix.utf8).allSatisfy { ((0x41...0x5A).contains($0) ? $0 | 0x20 : $0) == $1 }
    }

    // MARK: Types

    /// The media type that an address or file name ends with.
    static func guess(_ address: UnsafeRawBufferPointer) -> String? {
        let path = address.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let dot = path.lastIndex(of: UInt8(ascii: ".")), path.endIndex - dot <= 6 else { return nil }
        return types[String(decoding: path[(dot + 1)...], as: UTF8.self).lowercased()]
    }

    private static let types = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
        "heic": "image/heic", "heif": "image/heif", "avif": "image/avif", "bmp": "image/bmp", "pdf": "application/pdf",
        "txt": "text/plain", "md": "text/plain", "csv": "text/csv", "html": "text/html", "htm": "text/html",
        "xml": "text/xml", "json": "application/json", "mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac",
        "ogg": "audio/ogg", "opus": "audio/opus", "aac": "audio/aac", "m4a": "audio/m4a", "aiff": "audio/aiff",
        "pcm": "audio/pcm", "pcm16": "audio/pcm", "mp4": "video/mp4", "mov": "video/mov", "mpeg": "video/mpeg",
        "mpg": "video/mpg", "webm": "video/webm", "avi": "video/avi", "wmv": "video/wmv", "flv": "video/x-flv",
        "3gp": "video/3gpp",
    ]

    /// The type of a Chat audio part's `format`.
    static func audio(_ format: String) -> String { types[format.lowercased()] ?? "audio/" + format.lowercased() }
}
