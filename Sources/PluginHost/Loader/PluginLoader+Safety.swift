internal import CPlatform
import PluginABI

/// Where a plugin's code runs, and where it does not.
extension PluginLoader {
    /// All that are new, together: a child process for each would take longer.
    func probe(_ candidates: [PluginsFolder.Candidate]) {
        guard let safety else { return }
        var libraries: [(file: String, sha256: String)] = []
        for candidate in candidates where candidate.sidecar?.isIsolated != true {
            // What is wrong with a file is found once more, and told, when it is loaded.
            let file = candidate.file
            guard let opened = try? trust.open(file, file: file, maxBytes: FileTrust.maxLibraryBytes),
                let bytes = try? opened.read(), (try? Self.checkFormat(bytes, file)) != nil
            else { continue }
            let sha256 = FileDigest.sha256(bytes)
            if candidate.sidecar?.sha256 ?? sha256 == sha256 { libraries.append((file, sha256)) }
        }
        safety.probe(libraries)
    }

    /// From here on the plugin's code runs.
    func run(
        _ opened: borrowing TrustedFile, _ sha256: String, _ file: String, _ elf: ElfFile?
    ) throws(PluginLoadError) -> (HandshakeAnswer, entry: UnsafeMutableRawPointer) {
        let mark = PluginMark.of(PluginIdentity(file: file, sha256: sha256))
        defer { PluginSafety.rechain() }
        phase("dlopen")
        // As a closure would have to capture what must not be copied, by hand.
        mark.enter(PG_LOAD)
        let opening: Result<UnsafeMutableRawPointer, PluginLoadError>
        do {
            opening = .success(try open(opened, sha256, file))
        } catch {
            opening = .failure(error)
        }
        mark.leave()
        let entry = try opening.get()
        phase("entry")
        let check = HandshakeCheck(host: host, services: services, file: file, entryAddress: entry, elf: elf)
        return (try mark.attempt(PG_ENTRY) { () throws(PluginLoadError) in try check.run() }, entry)
    }

    /// A quarantined library as far as it is known without running any of it.
    func refused(
        _ reason: QuarantineReason, _ manifest: PluginManifest?, _ file: String, _ sha256: String,
        _ sidecar: PluginSidecar?
    ) throws(PluginLoadError) -> LoadedPlugin {
        guard let manifest else { throw PluginLoadError(file: file, step: .probe, quarantine: reason) }
        try checkID(manifest, sidecar, file)
        return LoadedPlugin(
            manifest: manifest, file: file, sha256: sha256, built: manifest.built, needed: manifest.needs,
            granted: min(manifest.built, .host), baseConfig: sidecar?.config, quarantine: reason)
    }
}
