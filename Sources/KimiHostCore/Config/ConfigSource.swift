/// Where the YAML of the model configuration comes from.
package enum ConfigSource: Sendable, Equatable {
    /// The text itself, from the environment variable MODEL_CONFIG.
    case inline(String)
    /// A file. `origin` says who named it, for messages.
    case file(path: String, origin: Origin)

    package enum Origin: Sendable, Equatable {
        case option, environment, standard
    }

    package static let maxBytes = 4 << 20
    package static let standardPath = "model-config.yaml"

    /// `--config FILE`, else MODEL_CONFIG (YAML text, if not blank), else MODEL_CONFIG_PATH, else `./model-config.yaml`.
    package static func locate(option: String? = nil, environment: Environment) -> ConfigSource {
        if let option { return .file(path: option, origin: .option) }
        if let text = environment["MODEL_CONFIG"], !text.allSatisfy(\.isWhitespace) { return .inline(text) }
        if let path = environment["MODEL_CONFIG_PATH"] { return .file(path: path, origin: .environment) }
        return .file(path: standardPath, origin: .standard)
    }

    /// What diagnostics call it: the path, or `MODEL_CONFIG`.
    package var name: String {
        switch self {
        case .inline: "MODEL_CONFIG"
        case .file(let path, _): path
        }
    }

    /// The YAML text, or nil with a diagnostic that says what to do.
    func read() -> (text: String?, diagnostics: [Diagnostic]) {
        switch self {
        case .inline(let text):
            guard text.utf8.count <= Self.maxBytes else {
                return (nil, [Diagnostic(.error, file: name, message: "longer than \(Self.maxBytes) bytes")])
            }
            return (text, [])
        case .file(let path, let origin):
            let bytes: [UInt8]
            do {
                bytes = try FileReader.read(path, limit: Self.maxBytes)
            } catch {
                let message = "\(error.message); \(origin.cure)"
                return (nil, [Diagnostic(.error, file: name, message: message)])
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return (nil, [Diagnostic(.error, file: name, message: "is not UTF-8 text; save it as UTF-8")])
            }
            return (text, [])
        }
    }
}

extension ConfigSource.Origin {
    fileprivate var cure: String {
        switch self {
        case .option: "check the path after --config"
        case .environment: "check the path in MODEL_CONFIG_PATH"
        case .standard: "copy model-config.example.yaml to it, or name another file with --config FILE"
        }
    }
}
