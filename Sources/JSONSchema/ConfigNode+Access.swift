extension ConfigNode {
    package static let null = ConfigNode(.null)

    package static func string(_ text: String) -> ConfigNode { ConfigNode(.string(text)) }

    package var isNull: Bool { value == .null }

    package var bool: Bool? {
        if case .bool(let flag) = value { flag } else { nil }
    }

    /// The whole number held here; a double without a fraction (`2.0`) counts.
    package var int: Int64? {
        switch value {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// The number held here, whole or not.
    package var double: Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    package var string: String? {
        if case .string(let text) = value { text } else { nil }
    }

    package var array: [ConfigNode]? {
        if case .array(let elements) = value { elements } else { nil }
    }

    package var object: ConfigObject? {
        if case .object(let object) = value { object } else { nil }
    }

    /// The member of an object; nil if absent or if this is no object.
    package subscript(_ key: String) -> ConfigNode? { object?[key] }

    /// The kind in words for a message: "a string", "an object", "nothing (null)".
    package var kindName: String {
        switch value {
        case .null: "nothing (null)"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// This object with `over`'s members laid on top of it: objects merge member by member, everything else is replaced.
    ///
    /// If either is no object the result is `over`. Order: this one's members first, then the new ones.
    package func merged(under over: ConfigNode) -> ConfigNode {
        guard case .object(var base) = value, case .object(let top) = over.value else { return over }
        for member in top.members {
            if let index = base.members.firstIndex(where: { $0.key == member.key }) {
                let merged = base.members[index].value.merged(under: member.value)
                base.members[index] = .init(key: member.key, keyMark: member.keyMark, value: merged)
            } else {
                base.members.append(member)
            }
        }
        return ConfigNode(.object(base), mark: over.mark ?? mark)
    }
}

extension ConfigNode {
    /// A string as a list of one, a list's strings; empty for all else. The form of `x-env`.
    package var names: [String] {
        string.map { [$0] } ?? (array ?? []).compactMap(\.string)
    }
}
