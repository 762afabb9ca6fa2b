package import JSONSchema

/// The keys of one plugin's configuration (`x-sign-key`): taken out of it, kept, and used by reference. Immutable.
package struct SigningKeys: Sendable {
    /// What is wrong with a key of a configuration.
    package struct Mistake: Sendable {
        /// In the configuration.
        package let path: ConfigPath
        package let node: ConfigNode
        /// Without a piece of the key.
        package let message: String
    }

    /// The references that were given out.
    private var taken: Set<String> = []
    private var keys: [String: SigningKey] = [:]
    /// The keys' own texts, to be masked should they turn up anywhere.
    private(set) var secrets: [String] = []
    package private(set) var mistakes: [Mistake] = []

    /// No keys.
    init() {}

    /// Takes the keys out of `config`, where the schema marks them; references stay in their places.
    package init(takingFrom config: inout ConfigNode, schema: JSONSchema, at path: ConfigPath = .root) {
        var found = self
        config = schema.replacing("x-sign-key", in: config, at: path) { node, place, kind in
            found.take(node, place, isShared: kind.string == "shared", root: path)
        }
        self = found
    }

    /// The reference to the key at `place`: no secret, and the same at each start.
    private static func reference(_ place: ConfigPath, _ root: ConfigPath) -> String {
        "key:" + place.description.dropFirst(root.description.isEmpty ? 0 : root.description.count + 1)
    }

    private mutating func take(
        _ node: ConfigNode, _ place: ConfigPath, isShared: Bool, root: ConfigPath
    ) -> ConfigNode {
        // A value that is no text is the schema's business.
        guard let text = node.string else { return node }
        let reference = Self.reference(place, root)
        guard taken.insert(reference).inserted else { return node }
        do {
            keys[reference] = isShared ? try SigningKey(shared: text) : try SigningKey(pem: text)
            secrets.append(text)
        } catch {
            mistakes.append(Mistake(path: place, node: node, message: error.message))
        }
        return ConfigNode(.string(reference), mark: node.mark)
    }

    /// Carries out a SIGN step.
    package func sign(_ planned: PlannedSignature) throws(SigningKey.Problem) -> [UInt8] {
        guard let key = keys[planned.key] else {
            let known = keys.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw SigningKey.Problem(
                message: "there is no key '\(planned.key)'; "
                    + (known.isEmpty ? "the configuration holds no x-sign-key" : "the configuration holds \(known)"))
        }
        return try key.sign(planned.data, algorithm: planned.algorithm)
    }
}
