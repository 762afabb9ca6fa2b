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

    /// Maps a library that is new to the process and calls its entry. From here on the plugin's code runs.
    func run(
        _ opened: borrowing TrustedFile, _ bytes: [UInt8], _ sha256: String, _ elf: ElfFile?, _ file: String
    ) throws(PluginLoadError) -> LoadedPlugin {
        let mark = PluginMark.of(PluginIdentity(file: file, sha256: sha256))
        defer { PluginSafety.rechain() }
        phase("dlopen")
        // As a closure would have to capture what must not be copied, by hand.
        mark.enter(PG_LOAD)
        let opening: Result<(entry: UnsafeMutableRawPointer, mapped: String), PluginLoadError>
        do {
            opening = .success(try open(opened, bytes, sha256, elf, file))
        } catch {
            opening = .failure(error)
        }
        mark.leave()
        let (entry, mapped) = try opening.get()
        phase("entry")
        let check = HandshakeCheck(host: host, services: services, file: file, entryAddress: entry, elf: elf)
        do {
            let answer = try mark.attempt(PG_ENTRY) { () throws(PluginLoadError) in try check.run() }
            let plugin = Self.plugin(answer, file, sha256, mapped)
            plugin.mark.isLoaded(at: entry)
            store?.add(plugin)
            return plugin
        } catch {
            store?.refuse(sha256, error)
            throw error
        }
    }

    private static func plugin(
        _ answer: HandshakeAnswer, _ file: String, _ sha256: String, _ mapped: String
    ) -> LoadedPlugin {
        let manifest = answer.manifest
        return LoadedPlugin(
            manifest: manifest, file: file, sha256: sha256, built: manifest.built, needed: manifest.needs,
            granted: min(manifest.built, .host), provider: answer.provider, auth: answer.auth,
            transform: answer.transform, quiesce: answer.quiesce,
            library: PluginLibrary(
                id: manifest.id, version: manifest.version, sha256: sha256, file: file, mapped: mapped,
                quiesce: answer.quiesce))
    }

    /// A quarantined library as far as it is known without running any of it.
    func refused(
        _ reason: QuarantineReason, _ manifest: PluginManifest?, _ file: String, _ sha256: String
    ) throws(PluginLoadError) -> LoadedPlugin {
        guard let manifest else { throw PluginLoadError(file: file, step: .probe, quarantine: reason) }
        return LoadedPlugin(
            manifest: manifest, file: file, sha256: sha256, built: manifest.built, needed: manifest.needs,
            granted: min(manifest.built, .host),
            library: PluginLibrary(
                id: manifest.id, version: manifest.version, sha256: sha256, file: file, mapped: "", quiesce: nil),
            quarantine: reason)
    }
}
