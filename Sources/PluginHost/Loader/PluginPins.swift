#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes the libraries' hashes into their sidecars, for `kimi-host plugins pin`. No code of a plugin runs.
package struct PluginPins {
    private let folder: String
    private let trust: FileTrust

    package init(folder: String, insecurePaths: Bool = false) {
        self.folder = folder
        trust = FileTrust(insecurePaths: insecurePaths)
    }

    /// What was done for one library.
    package struct Outcome: Sendable {
        package var sidecar: String
        package var sha256: String
        package var isChanged: Bool
    }

    /// Pins the selected libraries that are not switched off. What is wrong is in `errors`; the others are pinned.
    package func pin(_ selection: PluginSelection) -> (outcomes: [Outcome], errors: [PluginLoadError]) {
        let found = PluginsFolder(scanning: folder, trust: trust)
        var errors = found.errors + selection.missing(in: folder, among: found.candidates)
        var outcomes: [Outcome] = []
        for candidate in found.candidates where candidate.isEnabled && selection.includes(candidate) {
            do {
                outcomes.append(try pin(candidate))
            } catch {
                errors.append(error)
            }
        }
        return (outcomes, errors)
    }

    private func pin(_ candidate: PluginsFolder.Candidate) throws(PluginLoadError) -> Outcome {
        let sha256 = FileDigest.sha256(try read(candidate.file, FileTrust.maxLibraryBytes))
        guard let sidecar = candidate.sidecar else {
            let file = FileSystem.join(folder, candidate.name + ".yaml")
            try write(Self.pinned("", sha256), to: file)
            return Outcome(sidecar: file, sha256: sha256, isChanged: true)
        }
        guard sidecar.sha256 != sha256 else { return Outcome(sidecar: sidecar.file, sha256: sha256, isChanged: false) }
        let text = String(decoding: try read(sidecar.file, FileTrust.maxSidecarBytes), as: UTF8.self)
        let changed = Self.pinned(text, sha256)
        // Whatever the sidecar's style is: what is written must read back as the same with another pin.
        guard let again = try? PluginSidecar(parsing: changed, file: sidecar.file), again.sha256 == sha256,
            again.id == sidecar.id, again.path == sidecar.path
        else {
            throw PluginLoadError(
                file: sidecar.file, step: .pin, message: "its text cannot be edited safely",
                cure: "write 'sha256: \"\(sha256)\"' in it")
        }
        try write(changed, to: sidecar.file)
        return Outcome(sidecar: sidecar.file, sha256: sha256, isChanged: true)
    }

    /// The sidecar's text with this pin: its line replaced, or one added; everything else as it was.
    static func pinned(_ text: String, _ sha256: String) -> String {
        // In quotes: a hash of digits only would be a number.
        let line = "sha256: \"\(sha256)\""
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(where: { $0.hasPrefix("sha256:") }) {
            lines[index] = line
            return lines.joined(separator: "\n")
        }
        return text + (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + line + "\n"
    }

    private func read(_ file: String, _ maxBytes: Int) throws(PluginLoadError) -> [UInt8] {
        let opened = try trust.open(file, file: file, maxBytes: maxBytes)
        do {
            return try opened.read()
        } catch {
            throw error.at(.trust, file)
        }
    }

    /// Under another name first: a crash leaves the old sidecar or the new one.
    private func write(_ text: String, to file: String) throws(PluginLoadError) {
        let fresh = file + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(file) }
        let bytes = Array(text.utf8)
        let isWritten = Self.writeAll(bytes, descriptor) && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, rename(fresh, file) == 0 else {
            let failure = Self.failure(file)
            unlink(fresh)
            throw failure
        }
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        #if canImport(Darwin)
        return Darwin.write(descriptor, bytes, bytes.count) == bytes.count
        #elseif canImport(Glibc)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        #else
        return Musl.write(descriptor, bytes, bytes.count) == bytes.count
        #endif
    }

    private static func failure(_ file: String) -> PluginLoadError {
        PluginLoadError(
            file: file, step: .pin, message: "cannot be written: \(FileSystem.lastError)",
            cure: "run this as the owner of the folder")
    }
}
