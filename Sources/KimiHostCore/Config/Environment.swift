#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The environment variables as a value: read once at the start and passed around, never looked up globally.
package struct Environment: Sendable, Equatable {
    package var values: [String: String]

    package init(_ values: [String: String] = [:]) {
        self.values = values
    }

    /// The variables of this process, as they are now.
    package static func process() -> Environment {
        Environment(ProcessInfo.processInfo.environment)
    }

    /// The variable's value; nil if it is not set or empty, as the blank lines of a copied `.env` example are.
    package subscript(_ name: String) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// These variables with those of `directory/.env` beneath them: what is really set wins.
    ///
    /// A missing file is fine. Every line that could not be used is a warning; values never appear in messages.
    package func loadingDotEnv(directory: String = ".") -> (environment: Environment, diagnostics: [Diagnostic]) {
        let file = directory == "." ? ".env" : directory + "/.env"
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(file, limit: DotEnv.maxBytes)
        } catch {
            if error.isMissingFile { return (self, []) }
            return (self, [Diagnostic(.warning, file: file, message: "ignored: \(error.message)")])
        }
        let parsed = DotEnv(parsing: String(decoding: bytes, as: UTF8.self), file: file)
        return (Environment(parsed.values.merging(values) { _, real in real }), parsed.diagnostics)
    }
}
