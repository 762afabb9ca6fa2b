import ConfigYAML
package import JSONSchema

/// The model configuration's text as a ``ConfigNode``.
package enum ModelConfigYAML {
    /// Reads one document. `node` is nil when there is no usable YAML; the diagnostics say why.
    package static func read(_ text: String, file: String) -> (node: ConfigNode?, diagnostics: [Diagnostic]) {
        let (node, problems) = YAMLReader.read(text)
        guard let node, problems.isEmpty else {
            return (nil, problems.map { Diagnostic(.error, file: file, mark: $0.mark, message: $0.message) })
        }
        guard !node.isNull else {
            return (nil, [Diagnostic(.error, file: file, message: "is empty; it needs at least 'models:'")])
        }
        return (node, [])
    }
}
