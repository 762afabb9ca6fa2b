/// One compiled schema or sub-schema. Immutable, so it may be shared between threads.
final class Subschema: Sendable {
    let keywords: Keywords

    init(_ keywords: Keywords) {
        self.keywords = keywords
    }

    /// The keywords of one schema object; nil or empty where the keyword is absent.
    struct Keywords: Sendable {
        /// `true` and `false` schemas: false refuses everything.
        var isNever = false
        var types: [SchemaType] = []
        var object = ObjectRules()
        var array = ArrayRules()
        var number = NumberRules()
        var string = StringRules()
        /// `enum`, and `const` as a list of one.
        var allowed: [ConfigNode]?
        var combinations: [Combination] = []
        var title: String?
        var summary: String?
        var fallback: ConfigNode?
        /// Every `x-*` keyword, as written.
        var extensions: [String: ConfigNode] = [:]
    }

    /// The name, if this schema asks for one member and nothing else.
    var onlyRequired: String? {
        let rules = keywords.object
        let isPlain =
            keywords.types.isEmpty && keywords.combinations.isEmpty && keywords.allowed == nil
            && rules.properties.isEmpty && rules.patterns.isEmpty && rules.additional == nil && rules.names == nil
            && rules.dependent.isEmpty && rules.minimum == nil && rules.maximum == nil
        return isPlain && rules.required.count == 1 ? rules.required.first : nil
    }

    struct ObjectRules: Sendable {
        var properties: [(key: String, schema: Subschema)] = []
        var patterns: [(pattern: String, schema: Subschema)] = []
        var additional: Subschema?
        var names: Subschema?
        var required: [String] = []
        var dependent: [(key: String, needs: [String])] = []
        var minimum: Int?
        var maximum: Int?
    }

    struct ArrayRules: Sendable {
        var prefix: [Subschema] = []
        var items: Subschema?
        var minimum: Int?
        var maximum: Int?
        var isUnique = false
    }

    struct NumberRules: Sendable {
        var minimum: Double?
        var maximum: Double?
        var exclusiveMinimum: Double?
        var exclusiveMaximum: Double?
        var multipleOf: Double?
    }

    struct StringRules: Sendable {
        var minimum: Int?
        var maximum: Int?
        var pattern: String?
    }

    enum Combination: Sendable {
        case all([Subschema])
        case any([Subschema])
        case one([Subschema])
        case not(Subschema)
        case conditional(if: Subschema, then: Subschema?, else: Subschema?)
        /// A local reference: the text after `#`, a JSON pointer.
        case reference(String)
    }
}

/// The values of the `type` keyword.
package enum SchemaType: String, CaseIterable, Sendable {
    case null, boolean, integer, number, string, array, object

    package func admits(_ node: ConfigNode) -> Bool {
        switch (self, node.value) {
        case (.null, .null), (.boolean, .bool), (.integer, .int), (.number, .int), (.number, .double): true
        case (.string, .string), (.array, .array), (.object, .object): true
        // A double without a fraction is an integer in JSON Schema.
        case (.integer, .double(let number)): number == number.rounded() && number.isFinite
        default: false
        }
    }

    var words: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
