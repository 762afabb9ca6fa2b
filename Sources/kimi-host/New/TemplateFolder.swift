#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// One file of a template. `kind` nil: not a file, a paragraph for the README.
struct TemplateFile: Sendable {
    let language: String
    let kind: String?
    let path: String
    let text: String
}

/// A new plugin's folder, from the templates in this binary.
struct TemplateFolder {
    struct Failure: Error { let message: String }

    let language: String
    let kind: String
    let name: String

    /// Writes the folder, which must not be there yet. Returns the paths in the order of writing.
    func write() throws(Failure) -> [String] {
        guard mkdir(name, 0o755) == 0 else {
            let cure = errno == EEXIST ? "; remove it, or choose another name" : ""
            throw Failure(message: "cannot make the folder \(name): \(Self.lastError)\(cure)")
        }
        let folder = name + "/transcripts"
        guard mkdir(folder, 0o755) == 0 else { throw Failure(message: "cannot make \(folder): \(Self.lastError)") }
        var paths: [String] = []
        for file in TemplateFiles.all where file.language == language && file.kind == kind {
            let path = "\(name)/\(file.path)"
            try Self.write(path, filled(file.text))
            paths.append(path)
        }
        return paths
    }

    private func filled(_ text: String) -> String {
        let module = String(name.map { $0 == "-" ? "_" : $0 })
        let notes = TemplateFiles.all.first { $0.language == language && $0.kind == nil }?.text ?? ""
        let values = [
            ("@NOTES@", notes), ("@NAME@", name), ("@MODULE@", module), ("@ENV@", module.uppercased()),
        ]
        return values.reduce(text) { Self.replacing($1.0, in: $0, by: $1.1) }
    }

    private static func replacing(_ word: String, in text: String, by value: String) -> String {
        var made: [UInt8] = []
        let (word, value) = (Array(word.utf8), Array(value.utf8))
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            if first == word.first, rest.starts(with: word) {
                made += value
                rest = rest.dropFirst(word.count)
            } else {
                made.append(first)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: made, as: UTF8.self)
    }

    private static func write(_ path: String, _ text: String) throws(Failure) {
        guard let file = fopen(path, "wb") else { throw Failure(message: "cannot write \(path): \(lastError)") }
        let bytes = Array(text.utf8)
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else {
            throw Failure(message: "cannot write \(path): \(lastError)")
        }
    }

    /// How this program is called from another folder.
    static var program: String {
        guard let name = CommandLine.arguments.first, name.contains("/"), let path = realpath(name, nil) else {
            return "kimi-host"
        }
        defer { free(path) }
        return String(cString: path)
    }

    private static var lastError: String { String(cString: strerror(errno)) }
}
