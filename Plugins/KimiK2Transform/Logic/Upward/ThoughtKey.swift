import WireJSON

/// What a thought is filed under: the message that it led to, as a client may send it back.
struct ThoughtKey {
    private var hash = Hashing128()

    /// A further call of the message. `arguments`: as JSON text. Clients write that anew, so its blanks and the order
    /// of its members do not count, and they replace what they do not like in an id by `_`.
    mutating func add(id: Bytes, name: Bytes, arguments: JSONValue) {
        addHead(id, name)
        hash.add(Self.hash(arguments))
    }

    /// The same for arguments that are no JSON.
    mutating func add(id: Bytes, name: Bytes, text: Bytes) {
        addHead(id, name)
        hash.add(text.slice(text.trimmedRange()))
    }

    private mutating func addHead(_ id: Bytes, _ name: Bytes) {
        // A UTF-8 sequence is one character, so what goes on with it is left out.
        let folded = id.compactMap { byte -> UInt8? in
            if byte & 0xC0 == 0x80 { return nil }
            let isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
            return isLetter || isDigit(byte) || byte == UInt8(ascii: "-") ? byte : UInt8(ascii: "_")
        }
        folded.withUnsafeBytes { hash.add($0) }
        hash.add(name)
    }

    /// The key of the message whose calls were added.
    var value: Hash128 { hash.value }

    /// The key of an answer without calls: how it begins and how long it is. `beginning` has no blanks before it and
    /// is cut at `UpwardLimits.answer`; `length` is that of the answer without blanks around it.
    static func answer(_ beginning: Bytes, length: Int) -> Hash128 {
        var hash = Hashing128()
        hash.add(beginning.slice(0..<min(beginning.count, length)))
        hash.add(UInt64(length))
        return hash.value
    }

    /// Equal for values that are the same JSON, numbers as JavaScript knows them.
    private static func hash(_ value: JSONValue) -> Hash128 {
        var hash = Hashing128()
        hash.add(UInt64(kindNumber(value)))
        switch value.kind {
        case .null: break
        case .bool: hash.add(value.bool == true ? 1 : 0)
        case .int, .uint, .double: hash.add(value.double.map { ($0 == 0 ? 0 : $0).bitPattern } ?? 0)
        case .string: if let text = value.stringBytes { hash.add(text) }
        case .array:
            value.forEachElement { hash.add(Self.hash($0)) }
        case .object:
            // A sum does not depend on the order.
            var sum = Hash128(0, 0)
            value.forEachMember { name, value in
                let one = Self.hash(name, value)
                sum = Hash128(sum.low &+ one.low, sum.high &+ one.high)
            }
            hash.add(sum)
        }
        return hash.value
    }

    private static func hash(_ name: Bytes, _ value: JSONValue) -> Hash128 {
        var hash = Hashing128()
        hash.add(name)
        hash.add(Self.hash(value))
        return hash.value
    }

    private static func kindNumber(_ value: JSONValue) -> UInt8 {
        switch value.kind {
        case .int, .uint, .double: JSONKind.double.rawValue
        default: value.kind.rawValue
        }
    }
}
