import ConfigYAML
import JSONSchema
import PluginHost

/// Makes the configuration one use of a plugin gets: sidecar, own keys, references, environment; then checks it.
struct PluginConfigResolver {
    struct Result {
        var config: ConfigNode
        var violations: [Violation] = []
        /// Variables that are not set, and the violations that are only there because of that.
        var missingVariables: [String] = []
        var missingViolations: [Violation] = []
    }

    let environment: Environment
    let files: JSONFiles

    /// - Parameters:
    ///   - own: the use's own configuration; anything but an object counts as empty, the schema has said so.
    ///   - fallback: legacy keys, laid between sidecar and `own`; left away where their variable is not set.
    ///   - mark: the place of the use, for mistakes that have none of their own.
    func resolve(
        _ own: ConfigNode?, fallback: ConfigObject?, for plugin: PluginDescription, at path: ConfigPath,
        near mark: Mark?
    ) -> Result {
        let empty = ConfigNode(.object(ConfigObject()), mark: own?.mark ?? mark)
        var config = Self.withoutMarks(plugin.baseConfig ?? empty).merged(under: legacy(fallback))
        if let own, own.object != nil { config = config.merged(under: own) }
        config.mark = own?.mark ?? mark

        var references = EnvironmentReferences(environment: environment)
        var result = Result(config: references.resolve(config, at: path))
        for missing in references.missing {
            result.missingVariables.append(missing.variable)
            let message =
                "the environment variable \(missing.variable) is not set; set it (in .env, for example), "
                + "or write $$ for a plain dollar"
            let violation = Violation(path: missing.path.description, mark: missing.mark ?? mark, message: message)
            result.missingViolations.append(violation)
        }
        if let schema = plugin.schema { check(schema, plugin, path, mark, &result) }
        return result
    }

    private func check(
        _ schema: JSONSchema, _ plugin: PluginDescription, _ path: ConfigPath, _ mark: Mark?, _ result: inout Result
    ) {
        var check = PluginConfigCheck(schema: schema, path: path, mark: mark, plugin: plugin.name)
        check.unresolved = result.missingViolations
        var config = fill(schema, result.config, path, &check)
        config = schema.replacing("x-json-file", in: config, at: path) { node, place, _ in
            check.read(node, at: place, files)
        }
        // An object that a file brought may have properties to fill, too.
        result.config = fill(schema, config, path, &check)
        check.validate(&result)
        // The instance takes the keys out; here it is only asked whether it can.
        var probe = result.config
        for mistake in SigningKeys(takingFrom: &probe, schema: schema, at: path).mistakes {
            check.add(
                Violation(path: mistake.path.description, mark: mistake.node.mark, message: mistake.message), &result)
        }
    }

    private func fill(
        _ schema: JSONSchema, _ config: ConfigNode, _ path: ConfigPath, _ check: inout PluginConfigCheck
    ) -> ConfigNode {
        var sources: [String: String] = [:]
        let filled = schema.filling("x-env", in: config, at: path) { variable, path, types in
            guard let name = variable.string, let text = environment[name] else { return nil }
            sources[path.description] = name
            return Self.value(of: text, types)
        }
        check.variables.merge(sources) { first, _ in first }
        return filled
    }

    private func legacy(_ fallback: ConfigObject?) -> ConfigNode {
        var kept = ConfigObject()
        for member in fallback?.members ?? [] {
            var references = EnvironmentReferences(environment: environment)
            _ = references.resolve(member.value, at: .root)
            if references.missing.isEmpty { kept.members.append(member) }
        }
        return ConfigNode(.object(kept))
    }

    /// The text of a variable as the kind of value its property wants: numbers, booleans, comma-separated lists, JSON.
    private static func value(of text: String, _ types: [SchemaType]) -> ConfigNode {
        if types.isEmpty || types.contains(.string) { return .string(text) }
        let scalar = ConfigNode(YAMLScalar.resolve(text))
        if types.contains(where: { $0.admits(scalar) }) { return scalar }
        if let json = try? ConfigNode(parsingJSON: text), types.contains(where: { $0.admits(json) }) {
            return withoutMarks(json)
        }
        guard types.contains(.array) else { return .string(text) }
        let parts = text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        return ConfigNode(.array(parts.map { ConfigNode.string($0) }))
    }

    /// Marks of another text would point at the wrong lines of this file.
    static func withoutMarks(_ node: ConfigNode) -> ConfigNode {
        switch node.value {
        case .array(let elements): return ConfigNode(.array(elements.map(withoutMarks)))
        case .object(let object):
            let members = object.members.map { ConfigObject.Member(key: $0.key, value: withoutMarks($0.value)) }
            return ConfigNode(.object(ConfigObject(members)))
        default: return ConfigNode(node.value)
        }
    }
}
