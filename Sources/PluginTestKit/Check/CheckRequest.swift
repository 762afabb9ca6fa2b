package import JSONSchema
import PluginHost

/// What is to be checked; becomes the arguments of child processes.
package struct CheckRequest: Sendable {
    package var file: String
    /// JSON text of the configuration, if given.
    package var config: String?
    package var transcripts: [String] = []
    package var seed: UInt64 = 1
    package var insecurePaths = false

    package init(file: String) { self.file = file }

    var isPython: Bool { PluginLoader.isPython(file) }

    /// A child's command line after the program's name.
    package func arguments(task: String) -> [String] {
        var arguments = ["plugin", "kit-child", task, file, "--seed", "\(seed)"]
        if let config { arguments += ["--config", config] }
        for transcript in transcripts { arguments += ["--transcript", transcript] }
        if insecurePaths { arguments.append("--plugins-insecure-path") }
        return arguments
    }

    package func configNode() throws(ConfigParseFailure) -> ConfigNode? {
        guard let config else { return nil }
        let node: ConfigNode
        do {
            node = try ConfigNode(parsingJSON: Array(config.utf8))
        } catch {
            let place = "line \(error.mark.line), column \(error.mark.column)"
            throw ConfigParseFailure(message: "is not JSON: \(error.message) (\(place))")
        }
        guard node.object != nil else { throw ConfigParseFailure(message: "is \(node.kindName), not an object") }
        return node
    }

    /// Reads all transcripts, or throws the first mistake.
    package func readTranscripts() throws(TranscriptProblem) -> [Transcript] {
        var all: [Transcript] = []
        for file in transcripts {
            guard let bytes = Files.read(file, maxBytes: TranscriptReader.maxBytes) else {
                throw TranscriptProblem(
                    file: file, message: "cannot be read, or is longer than \(TranscriptReader.maxBytes) bytes")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw TranscriptProblem(file: file, message: "is not UTF-8")
            }
            all.append(try TranscriptReader.read(text, file: file))
        }
        return all
    }

    /// What is wrong with the plugin's file before anything is looked at; nil: it is there.
    package var missing: String? {
        if Files.names(in: file, endings: []) != nil { return "\(file): is a folder; name the plugin's file" }
        return Files.isThere(file) ? nil : "\(file): there is no such file"
    }

    /// Files of a folder that are transcripts, or the file itself. Nil if there is neither.
    package static func transcriptFiles(_ path: String) -> [String]? {
        let endings = [".yaml", ".yml", ".json"]
        if endings.contains(where: path.hasSuffix) { return [path] }
        return Files.names(in: path, endings: endings)?.map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
    }
}

/// `--config` is not usable.
package struct ConfigParseFailure: Error, Sendable {
    package var message: String
}
