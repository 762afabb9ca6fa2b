/// A JSON Schema (draft 2020-12, the subset configuration needs), compiled and ready to validate.
///
/// Knows: type, enum, const, properties, required, additionalProperties, patternProperties, propertyNames,
/// dependentRequired, min/maxProperties, items, prefixItems, min/maxItems, uniqueItems, minimum, maximum,
/// exclusiveMinimum/Maximum, multipleOf, min/maxLength, pattern, allOf, anyOf, oneOf, not, if/then/else, `$ref` to a
/// place in the same document, and annotations. Any other keyword that does not start with `x-` is a ``SchemaError``.
/// Immutable and Sendable; `validate` may run on any thread.
package struct JSONSchema: Sendable {
    let root: Subschema
    let references: [String: Subschema]

    /// Compiles `node`, or says what is wrong with the schema itself and where.
    package init(_ node: ConfigNode) throws(SchemaError) {
        var compiler = SchemaCompiler(document: node)
        root = try compiler.compile(node, at: .root)
        try compiler.compileReferences()
        references = compiler.references
    }

    /// Compiles a schema written as JSON text.
    package init(parsing json: String) throws(SchemaError) {
        let node: ConfigNode
        do {
            node = try ConfigNode(parsingJSON: json)
        } catch {
            throw SchemaError(path: "", mark: error.mark, message: error.message)
        }
        try self.init(node)
    }

    /// All violations of `node`, in the order of the document where marks are known; empty means valid.
    ///
    /// - Parameter path: where `node` sits in the whole document, put before each violation's path.
    package func validate(_ node: ConfigNode, at path: ConfigPath = .root) -> [Violation] {
        var validator = Validator(schema: self)
        validator.check(node, root, at: path)
        return validator.violations
    }
}

/// One way in which a value is not what its schema asks for.
package struct Violation: Sendable, Equatable {
    /// For example `models[2].provider_config.apiKey`; empty for the whole document.
    package var path: String
    package var mark: Mark?
    /// What is wrong and the cure, in one line. Never contains a value whose schema is marked `x-secret` or `x-sign-key`.
    package var message: String

    package init(path: String, mark: Mark?, message: String) {
        self.path = path
        self.mark = mark
        self.message = message
    }
}

/// A schema that is itself wrong: an unknown keyword, a value of the wrong kind, a reference to nowhere.
package struct SchemaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The place in the schema document, for example `properties.apiKey.type`.
    package var path: String
    package var mark: Mark?
    package var message: String

    package var description: String {
        path.isEmpty ? "the schema: \(message)" : "the schema at \(path): \(message)"
    }
}
