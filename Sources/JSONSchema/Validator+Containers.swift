extension Validator {
    mutating func checkObject(
        _ object: ConfigObject, _ node: ConfigNode, _ rules: Subschema.ObjectRules, _ path: ConfigPath
    ) {
        checkRequired(object, node, rules, path)
        checkCount(object.members.count, "key", rules.minimum, rules.maximum, node, path)
        for member in object.members {
            let memberPath = path.key(member.key)
            if let names = rules.names {
                for violation in trial(.string(member.key), names, at: memberPath) {
                    report(at: member.keyMark, memberPath, "the key itself \(violation.message)")
                }
            }
            checkMember(member, rules, memberPath)
        }
    }

    private mutating func checkMember(
        _ member: ConfigObject.Member, _ rules: Subschema.ObjectRules, _ path: ConfigPath
    ) {
        var isNamed = false
        for (key, subschema) in rules.properties where key == member.key {
            isNamed = true
            check(member.value, subschema, at: path)
        }
        for (pattern, subschema) in rules.patterns where Self.matches(member.key, pattern) {
            isNamed = true
            check(member.value, subschema, at: path)
        }
        guard !isNamed, let additional = rules.additional else { return }
        if additional.keywords.isNever {
            let known = rules.properties.map(\.key)
            report(at: member.keyMark ?? member.value.mark, path, Self.unknownKey(member.key, known))
        } else {
            check(member.value, additional, at: path)
        }
    }

    private static func unknownKey(_ key: String, _ known: [String]) -> String {
        if let near = Suggestion.nearest(to: key, among: known) { return "unknown key; did you mean '\(near)'?" }
        if known.isEmpty { return "unknown key; remove it, no keys are allowed here" }
        let shown = known.prefix(24).joined(separator: ", ")
        return "unknown key; known here: \(shown)\(known.count > 24 ? ", …" : "")"
    }

    private mutating func checkRequired(
        _ object: ConfigObject, _ node: ConfigNode, _ rules: Subschema.ObjectRules, _ path: ConfigPath
    ) {
        for key in rules.required where object[key] == nil {
            let subschema = rules.properties.first { $0.key == key }?.schema
            var cure = "add it"
            if let variables = subschema?.keywords.extensions["x-env"]?.names, !variables.isEmpty {
                cure = "add it, or set the environment variable \(variables.joined(separator: " or "))"
            }
            report(node, path.key(key), "is missing; \(cure)")
        }
        for (key, needs) in rules.dependent where object[key] != nil {
            for other in needs where object[other] == nil {
                report(node, path.key(other), "is missing; '\(key)' needs it")
            }
        }
    }

    mutating func checkArray(
        _ elements: [ConfigNode], _ node: ConfigNode, _ rules: Subschema.ArrayRules, _ path: ConfigPath
    ) {
        checkCount(elements.count, "entry", rules.minimum, rules.maximum, node, path)
        for (index, element) in elements.enumerated() {
            if index < rules.prefix.count {
                check(element, rules.prefix[index], at: path.index(index))
            } else if let items = rules.items {
                check(element, items, at: path.index(index))
            }
        }
        guard rules.isUnique else { return }
        for index in elements.indices.dropFirst() where elements[..<index].contains(elements[index]) {
            report(elements[index], path.index(index), "is in the list twice; remove one")
        }
    }

    private mutating func checkCount(
        _ count: Int, _ noun: String, _ minimum: Int?, _ maximum: Int?, _ node: ConfigNode, _ path: ConfigPath
    ) {
        func many(_ limit: Int) -> String {
            limit == 1 ? "1 \(noun)" : "\(limit) \(noun == "entry" ? "entries" : noun + "s")"
        }
        if let minimum, count < minimum { report(node, path, "must have at least \(many(minimum)), has \(count)") }
        if let maximum, count > maximum { report(node, path, "must have at most \(many(maximum)), has \(count)") }
    }

    /// Whether the pattern occurs anywhere in the text, as JSON Schema defines it.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        // The compiler has checked that the pattern compiles; a Regex is not Sendable, so it is not kept.
        guard let regex = try? Regex(pattern) else { return false }
        return (try? regex.firstMatch(in: text)) != nil
    }
}
