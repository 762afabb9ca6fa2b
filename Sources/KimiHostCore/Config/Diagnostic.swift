package import JSONSchema

/// One thing to say about the configuration: a mistake, a warning or a note, with its place and its cure.
package struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        /// A mistake: the configuration is refused.
        case error
        /// The configuration works, but probably not as meant.
        case warning
        /// Something the configuration asked for happened.
        case info
    }

    package var severity: Severity
    /// The file as the user named it, or `MODEL_CONFIG`, or `environment`.
    package var file: String
    package var mark: Mark?
    /// For example `models[2].strategy`; empty for the whole file.
    package var path: String
    package var message: String

    package init(_ severity: Severity, file: String, mark: Mark? = nil, path: String = "", message: String) {
        self.severity = severity
        self.file = file
        self.mark = mark
        self.path = path
        self.message = message
    }

    package var line: Int? { mark?.line }
    package var column: Int? { mark?.column }

    /// `model-config.yaml:12:5: error: models[2].strategy: must be …`, the form editors can jump to.
    package var description: String {
        let place = mark.map { "\(file):\($0.line):\($0.column)" } ?? file
        return "\(place): \(severity.rawValue): \(path.isEmpty ? "" : path + ": ")\(message)"
    }
}

extension [Diagnostic] {
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// By file in order of first appearance, then by place; the order of those at one place is kept.
    package func sortedByPlace() -> [Diagnostic] {
        var files: [String: Int] = [:]
        for diagnostic in self where files[diagnostic.file] == nil { files[diagnostic.file] = files.count }
        let keyed = enumerated().map { offset, item in
            (key: (files[item.file] ?? 0, item.line ?? 0, item.column ?? 0, offset), item: item)
        }
        return keyed.sorted { $0.key < $1.key }.map(\.item)
    }
}
