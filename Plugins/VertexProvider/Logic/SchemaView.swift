internal import WireJSON

/// One schema with its references followed and its `allOf` taken in: members by name, the outer ones before the inner.
struct SchemaView {
    /// Objects that are looked through for one schema.
    private static let maxLayers = 64

    private var layers: [JSONSpan]
    private(set) var lost: [String] = []
    private(set) var isNullable: Bool
    /// Upper case, without NULL.
    private(set) var types: [String] = []
    private(set) var alternatives: [JSONSpan] = []

    init(_ schema: JSONSpan, isNullable: Bool) {
        layers = [schema]
        self.isNullable = isNullable
    }

    subscript(_ name: StaticString) -> JSONSpan? {
        for layer in layers {
            if let value = layer[name], value.isGiven { return value }
        }
        return nil
    }

    /// The members of all layers; of a name that is there twice the first one.
    var members: [(key: JSONSpan, value: JSONSpan)] {
        var seen: Set<[UInt8]> = []
        return layers.flatMap { $0.members.filter { seen.insert($0.key.decoded).inserted } }
    }

    /// Those of all layers; of a name that is there twice the first one.
    var properties: [(key: JSONSpan, value: JSONSpan)] {
        var seen: Set<[UInt8]> = []
        return layers.compactMap { $0["properties"] }.flatMap {
            $0.members.filter { seen.insert($0.key.decoded).inserted }
        }
    }

    /// The names that any layer requires.
    var required: [JSONSpan] {
        var seen: Set<[UInt8]> = []
        return layers.compactMap { $0["required"] }.flatMap {
            $0.elements.filter { $0.kind == .string && seen.insert($0.decoded).inserted }
        }
    }

    /// The only type; nil if none is said or several are.
    var type: String? { types.count == 1 ? types.first : nil }

    /// `enum`, or `const` as a list of one; without null.
    var enumeration: [JSONSpan] {
        if let list = self["enum"], list.kind == .array { return list.elements.filter(\.isGiven) }
        return self["const"].map { [$0] } ?? []
    }

    /// Gemini refuses formats that it does not know for texts.
    func takesFormat(_ format: JSONSpan) -> Bool {
        let allowed =
            switch type {
            case "STRING": ["date-time", "enum"]
            case "NUMBER": ["float", "double"]
            case "INTEGER": ["int32", "int64"]
            default: [] as [String]
            }
        return format.string.map { allowed.contains($0) } ?? false
    }

    /// Follows references and takes in `allOf`, then reads type and alternatives.
    mutating func unfold(_ root: JSONSpan) {
        var next = 0
        while next < layers.count, layers.count < Self.maxLayers {
            let layer = layers[next]
            next += 1
            if let reference = layer["$ref"], reference.kind == .string {
                if let target = Self.resolve(reference.string ?? "", root) {
                    layers.append(target)
                } else {
                    lost.append("$ref to \(String((reference.string ?? "").prefix(80)))")
                }
            }
            for part in layer["allOf"]?.elements ?? JSONSpanElements(none: layer) where part.kind == .object {
                layers.append(part)
            }
            if let only = Self.only(layer) { layers.append(only) }
        }
        readType()
        readAlternatives()
    }

    /// The one alternative besides null.
    private static func only(_ layer: JSONSpan) -> JSONSpan? {
        guard let list = layer["anyOf"] ?? layer["oneOf"] else { return nil }
        let others = list.elements.filter { !isNull($0) }
        return others.count == 1 ? others.first.flatMap { $0.kind == .object ? $0 : nil } : nil
    }

    private static func isNull(_ schema: JSONSpan) -> Bool { schema["type"]?.matches("null") == true }

    private mutating func readType() {
        if let type = self["type"] {
            let words = type.kind == .string ? [type] : Array(type.elements)
            for word in words.compactMap(\.word).map({ $0.uppercased() }) {
                if word == "NULL" { isNullable = true } else if !types.contains(word) { types.append(word) }
            }
        } else if self["properties"] != nil {
            types = ["OBJECT"]
        } else if self["items"] != nil || self["prefixItems"] != nil {
            types = ["ARRAY"]
        } else if !enumeration.isEmpty, enumeration.allSatisfy({ $0.kind == .string }) {
            types = ["STRING"]
        }
        if self["nullable"]?.bool == true { isNullable = true }
        if self["enum"]?.elements.contains(where: { !$0.isGiven }) == true { isNullable = true }
    }

    /// `oneOf` becomes `anyOf`, an alternative that is null becomes `nullable`; a single one is a layer already.
    private mutating func readAlternatives() {
        for layer in layers {
            guard let list = layer["anyOf"] ?? layer["oneOf"], list.kind == .array else { continue }
            let others = list.elements.filter { !Self.isNull($0) }
            if list.elements.contains(where: Self.isNull) { isNullable = true }
            if Self.only(layer) != nil { continue }
            if alternatives.isEmpty { alternatives = others } else { lost.append("a further anyOf") }
        }
    }

    /// `#/$defs/Name`, `#/definitions/Name`, or any other path of plain names in the schema.
    private static func resolve(_ reference: String, _ root: JSONSpan) -> JSONSpan? {
        guard reference.hasPrefix("#") else { return nil }
        var place = root
        for step in reference.dropFirst().split(separator: "/").prefix(32) {
            let name = step.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = place.members.first(where: { $0.key.string == String(name) })?.value else { return nil }
            place = next
        }
        return place.kind == .object ? place : nil
    }

    /// Keywords that are written or followed somewhere, or that say nothing to a model.
    static let known: Set<String> = [
        "type", "nullable", "enum", "const", "description", "properties", "required", "items", "prefixItems", "anyOf",
        "oneOf", "allOf", "$ref", "$defs", "definitions", "$schema", "$id", "$comment", "additionalProperties",
    ]
}
