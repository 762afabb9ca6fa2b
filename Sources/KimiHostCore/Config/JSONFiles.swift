import JSONSchema

/// Reads what an `x-json-file` property names: JSON text, or the path of a file with it.
struct JSONFiles {
    /// Bytes of a document.
    static let maxBytes = 64 << 10
    /// Bytes of a path.
    static let maxPathBytes = 1_024

    struct Failure: Error {
        /// Names the file and the cure; shows nothing of what is in it, which may be a key.
        var message: String
    }

    /// What was read, without marks, and what to call the place it came from.
    struct Document {
        var node: ConfigNode
        var source: String
    }

    /// With a slash at the end, or empty.
    private let folder: String
    private let home: String?

    /// Relative paths count from the folder of `file`.
    init(_ environment: Environment, beside file: String) {
        folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        home = environment["HOME"]
    }

    func read(_ text: String) throws(Failure) -> Document {
        if text.first(where: { !$0.isWhitespace }) == "{" {
            return Document(node: try parse(Array(text.utf8), "the JSON text"), source: "the JSON text")
        }
        // What does not look like a path may be a key that got here by mistake: it is not shown.
        let isPlain = text.utf8.count <= Self.maxPathBytes && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard isPlain, ["/", "~/", "."].contains(where: text.hasPrefix) || text.hasSuffix(".json") else {
            throw Failure(
                message: "must be a JSON object, or the path of a file with one, "
                    + "beginning with /, ~/ or ./ or ending in .json")
        }
        let path = try path(text)
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: Self.maxBytes)
        } catch {
            throw Failure(message: "\(error.message); it must be the path of a JSON file, or the JSON object itself")
        }
        return Document(node: try parse(bytes, "the file \(path)"), source: "the file \(path)")
    }

    private func path(_ text: String) throws(Failure) -> String {
        if text.hasPrefix("/") { return text }
        guard text.hasPrefix("~/") else { return folder + text }
        guard let home else {
            throw Failure(message: "cannot read \(text): the variable HOME is not set; write the whole path")
        }
        return home + text.dropFirst()
    }

    private func parse(_ bytes: [UInt8], _ source: String) throws(Failure) -> ConfigNode {
        guard bytes.count <= Self.maxBytes else {
            throw Failure(message: "\(source) is longer than the \(Self.maxBytes) bytes that are read")
        }
        let node: ConfigNode
        do {
            node = try ConfigNode(parsingJSON: bytes)
        } catch {
            let place = "line \(error.mark.line), column \(error.mark.column)"
            throw Failure(message: "\(source) is not JSON: \(error.message) (\(place)); take the whole file again")
        }
        guard node.object != nil else {
            throw Failure(message: "\(source) holds \(node.kindName), not a JSON object")
        }
        return PluginConfigResolver.withoutMarks(node)
    }
}
