internal import CPlatform
package import PluginABI

/// Loads the libraries of a plugins.d folder, each through the same fixed list of checks.
///
/// Used by one thread at a time, at start or reload; it blocks on the disk and runs the plugins' entry functions.
package struct PluginLoader {
    let host: UnsafePointer<kimi_host>
    let services: any HandshakeServices
    let trust: FileTrust
    let store: PluginStore?
    let safety: PluginSafety?
    let notice: (String) -> Void
    let phase: (String) -> Void

    /// - Parameters:
    ///   - host: the table every plugin gets; valid for the life of the process.
    ///   - services: makes the error objects for the entry calls.
    ///   - insecurePaths: skip the checks of owner and mode. For development only; said at each load.
    ///   - store: what was loaded before by this process, for folders that are loaded again.
    ///   - safety: probes libraries before they are loaded, and keeps those away that crashed; nil: neither is done.
    ///   - notice: takes one line about something that is no error: a disabled plugin, skipped checks.
    ///   - phase: is told what code of a plugin comes next, `dlopen` or `entry`.
    package init(
        host: UnsafePointer<kimi_host>, services: any HandshakeServices, insecurePaths: Bool = false,
        store: PluginStore? = nil, safety: PluginSafety? = nil, notice: @escaping (String) -> Void = { _ in },
        phase: @escaping (String) -> Void = { _ in }
    ) {
        self.store = store
        self.safety = safety
        self.phase = phase
        self.host = host
        self.services = services
        self.notice = notice
        trust = FileTrust(insecurePaths: insecurePaths)
    }

    /// Everything that came out of a folder.
    package struct Report {
        /// In load order.
        package var plugins: [LoadedPlugin] = []
        /// Empty if the folder is in order.
        package var errors: [PluginLoadError] = []
        /// Libraries that crash when they are loaded, and of which nothing else is known: what they provide is not there.
        package var broken: [PluginLoadError] = []
    }

    /// Loads every plugin of `folder` in order, or throws the first thing that is wrong.
    package func load(folder: String) throws(PluginLoadError) -> [LoadedPlugin] {
        let report = loadAll(folder: folder)
        if let first = report.errors.first ?? report.broken.first { throw first }
        return report.plugins
    }

    /// Loads what can be loaded and collects everything that is wrong, for `kimi-host check`.
    package func loadAll(folder: String, selection: PluginSelection = PluginSelection()) -> Report {
        if trust.insecurePaths {
            notice("\(folder): owners and modes of plugin files are NOT checked (insecure paths)")
        }
        let found = PluginsFolder(scanning: folder, trust: trust)
        // Whole libraries were read to be checked, and glibc keeps what they took.
        defer { cp_release_free_memory() }
        var report = Report(errors: found.errors + selection.missing(in: folder, among: found.candidates))
        // Before any code of theirs runs, here or in the child that tries them.
        let mayRun = found.candidates.filter { candidate in
            selection.includes(candidate) && candidate.isEnabled && (try? selection.checkPinned(candidate)) != nil
        }
        probe(mayRun)
        for candidate in found.candidates {
            guard selection.includes(candidate) else {
                notice("\(candidate.file): not loaded, --only-plugin does not name it")
                continue
            }
            guard candidate.isEnabled else {
                notice(
                    "\(candidate.file): not loaded, \(candidate.sidecar?.file ?? "its sidecar") says 'enabled: false'")
                continue
            }
            do {
                try selection.checkPinned(candidate)
                let plugin = try load(file: candidate.file, sidecar: candidate.sidecar)
                try Self.checkUnique(plugin, among: report.plugins)
                report.plugins.append(plugin)
            } catch  where error.step == .probe {
                report.broken.append(error)
            } catch {
                report.errors.append(error)
            }
        }
        return report
    }

    /// Loads one library.
    package func load(file: String, sidecar: PluginSidecar? = nil) throws(PluginLoadError) -> LoadedPlugin {
        try inspect(file: file, sidecar: sidecar).plugin
    }

    /// Loads one library and keeps what was seen on the way, for `kimi-host plugin inspect`.
    package func inspect(file: String, sidecar: PluginSidecar? = nil) throws(PluginLoadError) -> PluginInspection {
        let opened = try trust.open(file, file: file, maxBytes: FileTrust.maxLibraryBytes)
        let bytes: [UInt8]
        do {
            bytes = try opened.read()
        } catch {
            throw error.at(.trust, file)
        }
        let sha256 = FileDigest.sha256(bytes)
        try checkPin(sha256, sidecar, file)
        let isPython = Self.isPython(file)
        if let sidecar, sidecar.python != nil, !isPython {
            throw PluginLoadError(
                file: sidecar.file, step: .config, message: "'python' names an interpreter, and \(file) is a library",
                cure: "remove it; 'isolation: process' runs a library in a process of its own")
        }
        let elf = isPython ? nil : try Self.checkFormat(bytes, file)
        var plugin: LoadedPlugin
        if isPython || sidecar?.isIsolated == true {
            // Nothing of it runs here, whatever it did when it did: neither probe nor quarantine.
            plugin = try loadIsolated(opened, bytes, elf, sidecar: sidecar, file: file, sha256: sha256)
        } else if let known = try store?.known(sha256, file: file) {
            plugin = known
        } else if case .refuse(let reason, let manifest)? = safety?.verdict(file: file, sha256: sha256) {
            plugin = try refused(reason, manifest, file, sha256)
        } else {
            plugin = try run(opened, bytes, sha256, elf, file)
        }
        try checkID(plugin.manifest, sidecar, file)
        plugin.file = file
        plugin.baseConfig = sidecar?.config
        return PluginInspection(plugin: plugin, elf: elf, byteCount: bytes.count)
    }

    // MARK: steps

    private func checkPin(_ sha256: String, _ sidecar: PluginSidecar?, _ file: String) throws(PluginLoadError) {
        guard let sidecar, let pin = sidecar.sha256, pin != sha256 else { return }
        throw PluginLoadError(
            file: file, step: .pin, message: "sha256 is \(sha256), \(sidecar.file) asks for \(pin)",
            cure: "if this file is the one you want, write 'sha256: \(sha256)' in \(sidecar.file)")
    }

    /// The file's format and entry. nil on platforms whose libraries are not ELF; there dlopen has the last word.
    static func checkFormat(_ bytes: [UInt8], _ file: String) throws(PluginLoadError) -> ElfFile? {
        #if canImport(Darwin)
        if bytes.starts(with: [0xCF, 0xFA, 0xED, 0xFE]) || bytes.starts(with: [0xCA, 0xFE, 0xBA, 0xBE]) { return nil }
        #endif
        let elf: ElfFile
        do {
            elf = try ElfFile(bytes)
        } catch {
            throw PluginLoadError(file: file, step: .elf, message: error.message, cure: error.cure)
        }
        if elf.isProgram {
            let error = ElfError.type(2)
            throw PluginLoadError(file: file, step: .elf, message: error.message, cure: error.cure)
        }
        try checkEntry(elf, file)
        return elf
    }

    private static func checkEntry(_ elf: ElfFile, _ file: String) throws(PluginLoadError) {
        let ours = ABIVersion.host.major
        guard !elf.entryVersions.contains(ours) else { return }
        guard let other = elf.entryVersions.last else {
            throw PluginLoadError(
                file: file, step: .elf, message: "not a kimi-host plugin: it exports no \(KIMI_ENTRY_SYMBOL)",
                cure: "remove it, or export the entry with KIMI_EXPORT")
        }
        throw PluginLoadError(
            file: file, step: .elf, message: "a plugin for ABI \(other), this host has ABI \(ours)",
            cure: other > ours ? "update the host, or build the plugin for ABI \(ours)" : "update the plugin")
    }

    /// Maps the library and finds its entry.
    func open(
        _ opened: borrowing TrustedFile, _ bytes: [UInt8], _ sha256: String, _ elf: ElfFile?, _ file: String
    ) throws(PluginLoadError) -> (entry: UnsafeMutableRawPointer, mapped: String) {
        // dlopen by path and not through /proc/self/fd: that breaks $ORIGIN, shows in crash reports as a number, and
        // glibc takes a second library for the first when a descriptor number comes again. A copy holds the bytes that
        // were hashed. Without one, the path was checked up to the root; what is left is that it still is that file.
        guard opened.isStillThere else {
            throw PluginLoadError(
                file: file, step: .trust, message: "the file changed while it was checked",
                cure: "write new versions under another name and rename them")
        }
        let library: LibraryHandle
        var mapped = opened.path
        do throws(StepFailure) {
            if let copies = store?.copies {
                if let elf { try OriginLibraries(folder: FileSystem.split(mapped).folder, trust: trust).load(elf) }
                mapped = try copies.write(bytes, name: FileSystem.split(mapped).name, sha256: sha256)
            }
            library = try LibraryHandle.open(mapped, sha256: sha256)
        } catch {
            if mapped != opened.path { store?.copies?.discard(mapped) }
            throw error.at(.dlopen, file)
        }
        guard let entry = library.symbol(KIMI_ENTRY_SYMBOL) else {
            throw PluginLoadError(
                file: file, step: .entry, message: "there is no \(KIMI_ENTRY_SYMBOL) in it",
                cure: "export the entry with KIMI_EXPORT")
        }
        return (entry, mapped)
    }

    func checkID(
        _ manifest: PluginManifest, _ sidecar: PluginSidecar?, _ file: String
    ) throws(PluginLoadError) {
        guard let sidecar, let id = sidecar.id, id != manifest.id else { return }
        throw PluginLoadError(
            file: file, step: .manifest, message: "the plugin's id is \(manifest.id), \(sidecar.file) asks for \(id)",
            cure: "correct 'id' or 'path' in \(sidecar.file)")
    }

    private static func checkUnique(_ plugin: LoadedPlugin, among others: [LoadedPlugin]) throws(PluginLoadError) {
        func taken(_ what: String, _ other: LoadedPlugin) -> PluginLoadError {
            PluginLoadError(
                file: plugin.file, step: .manifest, message: "\(what), and so does \(other.file)",
                cure: "remove one of the two, or disable it with 'enabled: false' in its sidecar")
        }
        for other in others {
            if other.manifest.id == plugin.manifest.id { throw taken("has the id \(plugin.manifest.id)", other) }
            for mine in plugin.manifest.provides where !mine.name.isEmpty {
                guard let interface = mine.interface, other.manifest.provided(interface)?.name == mine.name else {
                    continue
                }
                throw taken("provides \(interface.word)[\(mine.name)]", other)
            }
        }
    }
}
