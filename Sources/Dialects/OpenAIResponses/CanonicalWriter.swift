import WireJSON

/// Members of a JSON object being written, with the commas between them.
struct MemberWriter {
    let out: ByteWriter
    private var isFirst = true

    init(_ out: ByteWriter) { self.out = out }

    /// `"name":`, with a comma before it if there must be one. The value is the caller's.
    mutating func name(_ name: StaticString) {
        out.append(isFirst ? "\"" : ",\"")
        isFirst = false
        out.append(name)
        out.append("\":")
    }

    mutating func copy(_ name: StaticString, _ value: JSONSpan?) {
        guard let value else { return }
        self.name(name)
        out.append(value)
    }

    /// A member under its own name.
    mutating func copy(key: JSONSpan, _ value: JSONSpan) {
        if !isFirst { out.append(",") }
        isFirst = false
        out.append(key)
        out.append(":")
        out.append(value)
    }

    mutating func string(_ name: StaticString, _ value: String) {
        self.name(name)
        out.appendJSONString(value)
    }

    mutating func bool(_ name: StaticString, _ value: Bool) {
        self.name(name)
        out.append(value ? "true" : "false")
    }

    /// Members that are written already.
    mutating func raw(_ members: ByteWriter) {
        guard members.count > 0 else { return }
        if !isFirst { out.append(",") }
        isFirst = false
        out.append(members)
    }
}

/// Values of a JSON array being written, joined by commas.
struct ListWriter {
    let out = ByteWriter(capacity: 256)
    private(set) var count = 0

    /// Ready for the next value.
    mutating func next() -> ByteWriter {
        if count > 0 { out.append(",") }
        count += 1
        return out
    }

    /// `[...]`.
    func write(to other: ByteWriter) {
        other.append("[")
        other.append(out)
        other.append("]")
    }
}
