import WireJSON

/// A JSON value that can be changed. Members keep their order, scalars their value.
indirect enum SchemaNode: Equatable {
    case object([SchemaMember])
    case array([SchemaNode])
    case string([UInt8])
    case bool(Bool)
    /// Numbers and null, as they are printed.
    case other([UInt8])

    init(_ value: JSONValue) {
        switch value.kind {
        case .object:
            self = .object(value.members.map { SchemaMember(name: Array($0.key), value: SchemaNode($0.value)) })
        case .array: self = .array(value.elements.map { SchemaNode($0) })
        case .string: self = .string(value.stringBytes.map { Array($0) } ?? [])
        case .bool: self = .bool(value.bool ?? false)
        default: self = .other(value.json)
        }
    }

    init(_ text: String) { self = .string(Array(text.utf8)) }

    static func object(_ members: KeyValuePairs<String, SchemaNode>) -> SchemaNode {
        .object(members.map { SchemaMember(name: Array($0.key.utf8), value: $0.value) })
    }

    static var null: SchemaNode { .other(Array("null".utf8)) }

    var members: [SchemaMember]? {
        if case .object(let members) = self { return members }
        return nil
    }

    var elements: [SchemaNode]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    var text: String? {
        if case .string(let text) = self { return String(decoding: text, as: UTF8.self) }
        return nil
    }

    var isTrue: Bool { self == .bool(true) }

    /// A member of an object; setting nil takes it out, a new one comes last.
    subscript(_ name: String) -> SchemaNode? {
        get { members?.last { $0.name.elementsEqual(name.utf8) }?.value }
        set {
            guard case .object(var members) = self else { return }
            let at = members.lastIndex { $0.name.elementsEqual(name.utf8) }
            if let at, let newValue {
                members[at].value = newValue
            } else if let newValue {
                members.append(SchemaMember(name: Array(name.utf8), value: newValue))
            } else {
                members.removeAll { $0.name.elementsEqual(name.utf8) }
            }
            self = .object(members)
        }
    }

    func write(to output: ByteWriter) {
        switch self {
        case .object(let members):
            output.append("{")
            for (number, member) in members.enumerated() {
                if number > 0 { output.append(",") }
                member.name.withUnsafeBytes { output.appendJSONString($0) }
                output.append(":")
                member.value.write(to: output)
            }
            output.append("}")
        case .array(let elements):
            output.append("[")
            for (number, element) in elements.enumerated() {
                if number > 0 { output.append(",") }
                element.write(to: output)
            }
            output.append("]")
        case .string(let text): text.withUnsafeBytes { output.appendJSONString($0) }
        case .bool(let value): if value { output.append("true") } else { output.append("false") }
        case .other(let text): output.append(bytes: text)
        }
    }
}

struct SchemaMember: Equatable {
    var name: [UInt8]
    var value: SchemaNode
}
