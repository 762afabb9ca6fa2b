extension ConfigNode {
    /// This value as minified JSON text. Infinities and NaN, which JSON cannot say, become null.
    package var json: String {
        String(decoding: jsonBytes, as: UTF8.self)
    }

    /// This value as minified JSON, UTF-8.
    package var jsonBytes: [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch value {
        case .null: out += "null".utf8
        case .bool(let flag): out += (flag ? "true" : "false").utf8
        case .int(let number): out += number.description.utf8
        case .double(let number): out += (number.isFinite ? number.description : "null").utf8
        case .string(let text): Self.writeString(text, to: &out)
        case .array(let elements): Self.writeList(elements, "[", "]", to: &out) { $0.write(to: &$1) }
        case .object(let object):
            Self.writeList(object.members, "{", "}", to: &out) { member, out in
                Self.writeString(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
        }
    }

    private static func writeList<Element>(
        _ elements: [Element], _ open: Unicode.Scalar, _ close: Unicode.Scalar, to out: inout [UInt8],
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        out.append(UInt8(ascii: open))
        var first = true
        for element in elements {
            if !first { out.append(UInt8(ascii: ",")) }
            first = false
            write(element, &out)
        }
        out.append(UInt8(ascii: close))
    }

    private static func writeString(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += #"\""#.utf8
            case UInt8(ascii: "\\"): out += #"\\"#.utf8
            case UInt8(ascii: "\n"): out += #"\n"#.utf8
            case UInt8(ascii: "\r"): out += #"\r"#.utf8
            case UInt8(ascii: "\t"): out += #"\t"#.utf8
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                out += (#"\u00"# + (digits.utf8.count == 1 ? "0" : "") + digits).utf8
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
