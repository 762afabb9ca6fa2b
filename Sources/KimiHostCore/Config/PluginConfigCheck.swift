import JSONSchema

/// Checks one use's configuration and says where each value that is wrong came from: the file, a variable, a JSON file.
struct PluginConfigCheck {
    let schema: JSONSchema
    let path: ConfigPath
    /// The place of the use, for mistakes that have none of their own.
    let mark: Mark?
    let plugin: String
    /// Values that still hold a reference to a variable that is not set.
    var unresolved: [Violation] = []
    /// By path: the variable that a value came from.
    var variables: [String: String] = [:]
    /// By path: the JSON file or text that an object came from.
    private var documents: [String: String] = [:]
    /// Paths whose document could not be read, and why.
    private var unread: [(path: String, mark: Mark?, message: String)] = []

    init(schema: JSONSchema, path: ConfigPath, mark: Mark?, plugin: String) {
        self.schema = schema
        self.path = path
        self.mark = mark
        self.plugin = plugin
    }

    /// The object that the value of an `x-json-file` property stands for. What cannot be read stays as it is.
    mutating func read(_ node: ConfigNode, at place: ConfigPath, _ files: JSONFiles) -> ConfigNode {
        let place = place.description
        guard let text = node.string, !isUnresolved(place, node.mark), !unread.contains(where: { $0.path == place })
        else { return node }
        do {
            let document = try files.read(text)
            documents[place] = document.source
            return ConfigNode(document.node.value, mark: node.mark)
        } catch {
            unread.append((place, node.mark, error.message))
            return node
        }
    }

    /// Everything the schema says, sorted into real mistakes and those that come of variables that are not set.
    func validate(_ result: inout PluginConfigResolver.Result) {
        for problem in unread {
            add(Violation(path: problem.path, mark: problem.mark, message: problem.message), &result)
        }
        let needed = schema.properties.filter { $0.isRequired && result.config[$0.name] == nil }
        let filled = needed.filter { $0.extensions["x-env"] != nil }
        result.missingVariables += filled.compactMap { $0.extensions["x-env"]?.string }
        let missing = Set(filled.map { path.key($0.name).description })
        // A value whose reference is unresolved is no value yet: the schema's opinion of it would only confuse.
        for violation in schema.validate(result.config, at: path) {
            if isUnresolved(violation.path, violation.mark) { continue }
            if unread.contains(where: { $0.path == violation.path }) { continue }
            if missing.contains(violation.path) {
                // For an optional entry these are no mistakes, so they are kept apart.
                result.missingViolations.append(placed(violation))
            } else {
                add(violation, &result)
            }
        }
    }

    func add(_ violation: Violation, _ result: inout PluginConfigResolver.Result) {
        result.violations.append(placed(violation))
    }

    private func placed(_ violation: Violation) -> Violation {
        var violation = violation
        if let document = source(of: violation.path, in: documents) { violation.message += " (in \(document))" }
        if let variable = source(of: violation.path, in: variables) {
            violation.message += " (from the variable \(variable))"
        }
        violation.message += " (plugin \(plugin))"
        violation.mark = violation.mark ?? mark
        return violation
    }

    private func isUnresolved(_ place: String, _ own: Mark?) -> Bool {
        unresolved.contains { $0.path == place && $0.mark == own ?? mark }
    }

    /// What the value at `place`, or one that holds it, came from.
    private func source(of place: String, in sources: [String: String]) -> String? {
        sources.first { place == $0.key || place.hasPrefix($0.key + ".") || place.hasPrefix($0.key + "[") }?.value
    }
}
