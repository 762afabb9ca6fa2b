import PluginABI

extension PluginLoader {
    /// Is this the file of a plugin in Python? Such a one always has a process of its own.
    package static func isPython(_ file: String) -> Bool { file.hasSuffix(".py") }

    /// Loads a plugin into a process of its own and keeps that, waiting for work.
    func loadIsolated(
        _ opened: borrowing TrustedFile, _ bytes: [UInt8], _ elf: ElfFile?, sidecar: PluginSidecar?, file: String,
        sha256: String
    ) throws(PluginLoadError) -> LoadedPlugin {
        let python = Self.isPython(file) ? sidecar?.python ?? "python3" : nil
        if let known = store?.isolated(sha256, opened.path, python) { return known }
        let command = try command(opened, bytes, elf, python, file: file, sha256: sha256)
        do {
            return try loadIsolated(command, file: file, sha256: sha256)
        } catch {
            if command.path != command.origin { store?.copies?.discard(command.path) }
            throw error
        }
    }

    /// Children run a copy, so that they can be started again whatever happens to the file. A library that looks for
    /// others beside itself stays where it is.
    private func command(
        _ opened: borrowing TrustedFile, _ bytes: [UInt8], _ elf: ElfFile?, _ python: String?, file: String,
        sha256: String
    ) throws(PluginLoadError) -> ChildCommand {
        let (folder, name) = FileSystem.split(opened.path)
        if let copies = store?.copies, elf.map(OriginLibraries(folder: folder, trust: trust).areNeeded(by:)) != true {
            do throws(StepFailure) {
                let copy = try copies.write(bytes, name: name, sha256: sha256)
                if let status = FileStatus.ofPath(copy) {
                    return ChildCommand(path: copy, origin: opened.path, python: python, status: status)
                }
            } catch {
                throw error.at(.entry, file)
            }
        }
        guard opened.isStillThere else {
            throw PluginLoadError(
                file: file, step: .trust, message: "the file changed while it was checked",
                cure: "write new versions under another name and rename them")
        }
        return ChildCommand(path: opened.path, origin: opened.path, python: python, status: opened.status)
    }

    private func loadIsolated(
        _ command: ChildCommand, file: String, sha256: String
    ) throws(PluginLoadError) -> LoadedPlugin {
        let child: WaitingChild
        let hello: ChildHello
        do {
            child = try WaitingChild(command)
            hello = try child.hello()
        } catch {
            throw PluginLoadError(
                file: file, step: .entry, message: "isolation: process: \(error.message)", cure: error.cure)
        }
        if !hello.notice.isEmpty {
            notice("\(file): its process is locked down, but this system does not offer: \(hello.notice)")
        }
        let manifest = try Self.manifest(hello, file)
        var plugin = LoadedPlugin(
            manifest: manifest, file: file, sha256: sha256, built: manifest.built, needed: manifest.needs,
            granted: min(manifest.built, .host),
            library: PluginLibrary(
                id: manifest.id, version: manifest.version, sha256: sha256, file: file, mapped: "", quiesce: nil))
        plugin.isolated = IsolatedPlugin(
            command: command, copies: store?.copies, manifest: hello.manifest, plugin, spare: child)
        try fill(&plugin, hello)
        store?.addIsolated(plugin)
        return plugin
    }

    /// The sidecar that lies beside a plugin in Python, for commands that take a file and not a folder.
    package func sidecar(beside file: String) throws(PluginLoadError) -> PluginSidecar? {
        let path = String(file.dropLast(3)) + ".yaml"
        guard Self.isPython(file), FileStatus.ofPath(path) != nil else { return nil }
        let sidecar = try PluginsFolder.read(path, trust)
        // It may be another file's.
        let name = FileSystem.split(file).name
        return sidecar.path == nil || sidecar.path == name ? sidecar : nil
    }

    private static func manifest(_ hello: ChildHello, _ file: String) throws(PluginLoadError) -> PluginManifest {
        let ours = ABIVersion.host
        guard hello.needsMinor <= UInt32(ours.minor) else {
            throw PluginLoadError(
                file: file, step: .entry,
                message: "the plugin needs a host of ABI \(ours.major).\(hello.needsMinor), this host has \(ours)",
                cure: "update the host, or use an older version of the plugin")
        }
        do {
            return try PluginManifest(parsing: hello.manifest)
        } catch {
            throw PluginLoadError(file: file, step: .manifest, message: error.message, cure: error.cure)
        }
    }

    private func fill(_ plugin: inout LoadedPlugin, _ hello: ChildHello) throws(PluginLoadError) {
        for interface in plugin.manifest.provides.compactMap(\.interface) {
            let isThere =
                switch interface {
                case .provider: hello.hasProvider
                case .auth: hello.hasAuth
                case .transform: hello.hasTransform
                }
            guard isThere else {
                throw PluginLoadError(
                    file: plugin.file, step: .interfaces,
                    message: "the manifest provides \(interface.rawValue), and get_interface returns NULL for it",
                    cure: "return its table, or take it out of 'provides'")
            }
            switch interface {
            case .provider: plugin.provider = IsolatedTables.provider()
            case .auth: plugin.auth = IsolatedTables.auth()
            case .transform: plugin.transform = IsolatedTables.transform(eventMask: hello.eventMask)
            }
        }
    }
}
