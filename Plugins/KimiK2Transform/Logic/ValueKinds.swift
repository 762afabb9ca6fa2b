import WireJSON

/// Kinds of JSON values, as a set. A number without fraction is `integer`, any other `fraction`.
package struct ValueKinds: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let null = ValueKinds(rawValue: 1)
    package static let bool = ValueKinds(rawValue: 2)
    package static let integer = ValueKinds(rawValue: 4)
    package static let fraction = ValueKinds(rawValue: 8)
    package static let string = ValueKinds(rawValue: 16)
    package static let array = ValueKinds(rawValue: 32)
    package static let object = ValueKinds(rawValue: 64)

    package static let number: ValueKinds = [.integer, .fraction]
    package static let container: ValueKinds = [.array, .object]
    package static let any = ValueKinds(rawValue: 127)

    /// The kind of a parsed value.
    init(_ kind: JSONKind) {
        switch kind {
        case .null: self = .null
        case .bool: self = .bool
        case .int, .uint: self = .integer
        case .double: self = .fraction
        case .string: self = .string
        case .array: self = .array
        case .object: self = .object
        }
    }

    /// The kinds that a `type` of JSON Schema means; any for a word that it does not know.
    init(schemaType word: String) {
        switch word {
        case "null": self = .null
        case "boolean": self = .bool
        case "integer": self = .integer
        case "number": self = .number
        case "string": self = .string
        case "array": self = .array
        case "object": self = .object
        default: self = .any
        }
    }
}
