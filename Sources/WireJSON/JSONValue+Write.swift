extension JSONValue {
    /// Prints the value minified: members in their order, numbers as the shortest text of the same value.
    public func write(to writer: ByteWriter) {
        switch kind {
        case .null: writer.append("null")
        case .bool: if tag == TapeTag.yes { writer.append("true") } else { writer.append("false") }
        case .int: writer.append(int: Int64(bitPattern: tape[index + 1]))
        case .uint: writer.append(uint: tape[index + 1])
        case .double: writer.append(double: Double(bitPattern: tape[index + 1]))
        case .string: writer.appendJSONString(uncheckedString)
        case .array: writeElements(to: writer)
        case .object: writeMembers(to: writer)
        }
    }

    /// The minified text as a new array.
    public var json: [UInt8] {
        let writer = ByteWriter()
        write(to: writer)
        return writer.bytes
    }

    // Recursion is bounded by the depth limit of the parser.
    private func writeElements(to writer: ByteWriter) {
        writer.append(byte: UInt8(ascii: "["))
        var first = true
        for value in elements {
            if !first { writer.append(byte: UInt8(ascii: ",")) }
            first = false
            value.write(to: writer)
        }
        writer.append(byte: UInt8(ascii: "]"))
    }

    private func writeMembers(to writer: ByteWriter) {
        writer.append(byte: UInt8(ascii: "{"))
        var first = true
        for (key, value) in members {
            if !first { writer.append(byte: UInt8(ascii: ",")) }
            first = false
            writer.appendJSONString(key)
            writer.append(byte: UInt8(ascii: ":"))
            value.write(to: writer)
        }
        writer.append(byte: UInt8(ascii: "}"))
    }
}
