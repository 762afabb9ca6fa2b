extension Validator {
    mutating func checkString(
        _ text: String, _ node: ConfigNode, _ keywords: Subschema.Keywords, _ path: ConfigPath
    ) {
        let rules = keywords.string
        let length = text.unicodeScalars.count
        if let minimum = rules.minimum, length < minimum {
            report(node, path, minimum == 1 ? "must not be empty" : "must have at least \(minimum) characters")
        }
        if let maximum = rules.maximum, length > maximum {
            report(node, path, "must have at most \(maximum) characters, has \(length)")
        }
        if let pattern = rules.pattern, !Self.matches(text, pattern) {
            report(node, path, "must match the pattern \(pattern), not \(Self.shown(node, keywords))")
        }
    }

    mutating func checkNumber(_ node: ConfigNode, _ keywords: Subschema.Keywords, _ path: ConfigPath) {
        guard let number = node.double else { return }
        let rules = keywords.number
        func fail(_ rule: String, _ limit: Double) {
            let words = Int64(exactly: limit)?.description ?? limit.description
            report(node, path, "must be \(rule) \(words), not \(Self.shown(node, keywords))")
        }
        if let limit = rules.minimum, number < limit { fail("at least", limit) }
        if let limit = rules.maximum, number > limit { fail("at most", limit) }
        if let limit = rules.exclusiveMinimum, number <= limit { fail("greater than", limit) }
        if let limit = rules.exclusiveMaximum, number >= limit { fail("less than", limit) }
        if let step = rules.multipleOf, !Self.isMultiple(number, of: step) { fail("a multiple of", step) }
    }

    /// Allows for the rounding of decimal fractions: 0.3 is a multiple of 0.1.
    private static func isMultiple(_ number: Double, of step: Double) -> Bool {
        let quotient = number / step
        return abs(quotient - quotient.rounded()) <= 1e-9 * max(1, abs(quotient))
    }
}
