/// Walks one document along one schema and collects every violation.
struct Validator {
    /// Nested values plus references; more means a reference that leads to itself.
    static let maxDepth = 256
    static let maxViolations = 1000

    let schema: JSONSchema
    private(set) var violations: [Violation] = []
    private var depth = 0

    init(schema: JSONSchema) {
        self.schema = schema
    }

    mutating func check(_ node: ConfigNode, _ subschema: Subschema, at path: ConfigPath) {
        depth += 1
        defer { depth -= 1 }
        guard violations.count < Self.maxViolations else { return }
        guard depth <= Self.maxDepth else {
            return report(node, path, "nested deeper than \(Self.maxDepth) levels")
        }
        let keywords = subschema.keywords
        if keywords.isNever { return report(node, path, "no value is allowed here; remove it") }
        // A value of the wrong kind breaks every other keyword too: one message is enough.
        guard checkType(node, keywords, path) else { return }
        checkAllowed(node, keywords, path)
        switch node.value {
        case .object(let object): checkObject(object, node, keywords.object, path)
        case .array(let elements): checkArray(elements, node, keywords.array, path)
        case .string(let text): checkString(text, node, keywords, path)
        case .int, .double: checkNumber(node, keywords, path)
        case .null, .bool: break
        }
        for combination in keywords.combinations { check(node, combination, at: path) }
    }

    mutating func report(_ node: ConfigNode, _ path: ConfigPath, _ message: String) {
        report(at: node.mark, path, message)
    }

    mutating func report(at mark: Mark?, _ path: ConfigPath, _ message: String) {
        violations.append(Violation(path: path.description, mark: mark, message: message))
    }

    mutating func report(contentsOf others: [Violation]) {
        violations += others
    }

    /// What `subschema` alone says about `node`, without reporting it.
    func trial(_ node: ConfigNode, _ subschema: Subschema, at path: ConfigPath) -> [Violation] {
        var inner = Validator(schema: schema)
        inner.depth = depth
        inner.check(node, subschema, at: path)
        return inner.violations
    }

    private mutating func checkType(_ node: ConfigNode, _ keywords: Subschema.Keywords, _ path: ConfigPath) -> Bool {
        if keywords.types.isEmpty || keywords.types.contains(where: { $0.admits(node) }) { return true }
        let wanted = keywords.types.map(\.words).joined(separator: " or ")
        var message = "must be \(wanted), not \(node.kindName)"
        if keywords.types == [.string], node.int != nil || node.bool != nil { message += "; put it in quotes" }
        report(node, path, message)
        return false
    }

    private mutating func checkAllowed(_ node: ConfigNode, _ keywords: Subschema.Keywords, _ path: ConfigPath) {
        guard let allowed = keywords.allowed, !allowed.contains(node) else { return }
        let words = allowed.map { $0.string ?? $0.json }
        let choice = words.count == 1 ? "must be \(words[0])" : "must be one of \(words.joined(separator: ", "))"
        let hint = node.string.map { Suggestion.clause(for: $0, among: words) } ?? ""
        report(node, path, "\(choice), not \(Self.shown(node, keywords))\(hint)")
    }

    /// The value for a message: shortened, and never a secret.
    static func shown(_ node: ConfigNode, _ keywords: Subschema.Keywords) -> String {
        for keyword in [JSONSchema.secret, JSONSchema.signKey] {
            if let marked = keywords.extensions[keyword], marked.bool != false { return "this secret" }
        }
        switch node.value {
        case .array, .object: return node.kindName
        case .string(let text): return text.count <= 60 ? "'\(text)'" : "'\(text.prefix(60))…'"
        default: return node.json
        }
    }
}
