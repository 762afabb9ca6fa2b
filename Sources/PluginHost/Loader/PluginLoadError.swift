/// Why a plugin was not loaded: which file, at which step, what is wrong and what to do about it.
///
/// `description` is one line, fit for the end of a refused start:
/// `plugins.d/x.so: elf: built for aarch64, this host is x86_64; cure: …`.
package struct PluginLoadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The loader's steps, in the order in which they are taken.
    package enum Step: String, Sendable, CaseIterable {
        /// Looking for libraries and sidecars in the folder.
        case find
        /// Owner and mode of the file and of every folder above it.
        case trust
        /// The SHA-256 the sidecar asks for.
        case pin
        /// The file's format, read without running any of it.
        case elf
        /// A child process that loads it first.
        case probe
        case dlopen
        /// The call of the entry function and what it filled in.
        case entry
        case manifest
        /// The function tables that the manifest promises.
        case interfaces
        /// The sidecar's own content.
        case config
    }

    package var file: String
    package var step: Step
    package var message: String
    package var cure: String
    /// Set where the library is quarantined.
    package var quarantine: QuarantineReason?

    package init(file: String, step: Step, message: String, cure: String) {
        self.file = file
        self.step = step
        self.message = Self.oneLine(message)
        self.cure = Self.oneLine(cure)
    }

    /// A library of which nothing is known but that it crashes; the reason brings its own cure.
    init(file: String, step: Step, quarantine: QuarantineReason) {
        self.init(file: file, step: step, message: quarantine.message, cure: "")
        self.quarantine = quarantine
    }

    package var description: String {
        cure.isEmpty ? "\(file): \(step.rawValue): \(message)" : "\(file): \(step.rawValue): \(message); cure: \(cure)"
    }

    /// The longest text taken over from a plugin or the system's loader.
    static let maxMessageCharacters = 1000

    /// Texts of plugins and of the dynamic linker go into a terminal and a log: one line, no control characters.
    private static func oneLine(_ text: String) -> String {
        let cleaned = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) }
        let line = String(cleaned.prefix(maxMessageCharacters))
        return cleaned.count > maxMessageCharacters ? line + "…" : line
    }
}

/// A step's complaint before the file is known to it.
struct StepFailure: Error {
    var message: String
    var cure: String

    func at(_ step: PluginLoadError.Step, _ file: String) -> PluginLoadError {
        PluginLoadError(file: file, step: step, message: message, cure: cure)
    }
}
