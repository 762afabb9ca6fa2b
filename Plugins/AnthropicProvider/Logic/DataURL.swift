internal import WireJSON

/// `data:image/png;base64,…` in a JSON string: found, not copied.
struct DataURL {
    /// Lower case, without parameters.
    let mediaType: String
    let isBase64: Bool
    private let data: Bytes

    /// The string's own bytes, or a copy where it has escapes.
    private enum Bytes {
        case borrowed(UnsafeRawBufferPointer)
        case copied([UInt8])

        init(_ value: JSONSpan) {
            self = value.inner.contains(UInt8(ascii: "\\")) ? .copied(value.decoded) : .borrowed(value.inner)
        }

        func use<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            switch self {
            case .borrowed(let bytes): body(bytes)
            case .copied(let bytes): bytes.withUnsafeBytes(body)
            }
        }

        func dropping(_ count: Int) -> Bytes {
            switch self {
            case .borrowed(let bytes): .borrowed(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count)))
            case .copied(let bytes): .copied(Array(bytes.dropFirst(count)))
            }
        }
    }

    /// Longer heads are no data URL.
    private static let maxHead = 256

    /// Nil if it is none.
    init?(_ url: JSONSpan) {
        let bytes = Bytes(url)
        let found = bytes.use { bytes -> (head: String, length: Int)? in
            guard bytes.count > 5, bytes.prefix(5).elementsEqual("data:".utf8, by: Self.sameLetter),
                let comma = bytes.prefix(Self.maxHead).firstIndex(of: UInt8(ascii: ","))
            else { return nil }
            return (String(decoding: bytes[5..<comma], as: UTF8.self).lowercased(), comma + 1)
        }
        guard let found else { return nil }
        let words = found.head.split(separator: ";", omittingEmptySubsequences: false)
        let type = words.first.map(String.init) ?? ""
        mediaType = type == "image/jpg" ? "image/jpeg" : type.isEmpty ? "text/plain" : type
        isBase64 = words.dropFirst().contains("base64")
        data = bytes.dropping(found.length)
    }

    /// Base64 without a head: what it is, is told by the file's name.
    init(bare value: JSONSpan, name: JSONSpan?) {
        let name = name?.string?.lowercased() ?? ""
        let types = [
            ".txt": "text/plain", ".md": "text/plain", ".png": "image/png", ".jpg": "image/jpeg",
            ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
        ]
        mediaType = types.first { name.hasSuffix($0.key) }?.value ?? "application/pdf"
        isBase64 = true
        data = Bytes(value)
    }

    var isText: Bool { mediaType.hasPrefix("text/") || mediaType == "application/json" }

    /// The source of an image or document block.
    func writeSource(to out: ByteWriter) {
        out.append(#"{"type":"base64","media_type":"#)
        out.appendJSONString(mediaType)
        out.append(#","data":""#)
        switch data {
        case .borrowed(let bytes): out.append(bytes: bytes)
        case .copied(let bytes): bytes.filter { $0 > 0x20 }.withUnsafeBytes { out.appendJSONEscaped($0) }
        }
        out.append(#""}"#)
    }

    /// The text of a text; nil if it is not UTF-8, or not base64.
    var text: String? {
        guard isBase64, let bytes = data.use(Base64.decode) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func sameLetter(_ a: UInt8, _ b: UInt8) -> Bool {
        a == b || ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(a) && a | 0x20 == b)
    }
}

/// RFC 4648, for the small texts that are documents.
enum Base64 {
    /// Nil for what is none. Line breaks and spaces count for nothing.
    static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for byte in text where byte > 0x20 && byte != UInt8(ascii: "=") {
            guard let value = value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return result
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
