/// What lies in a plugins.d folder, in load order.
///
/// Every `*.so` and `*.dylib` directly in the folder is a candidate, and every `NAME.yaml` is a sidecar: of the library
/// its `path` names, or else of `NAME.so` or `NAME.dylib`. Load order is the order of the NAMEs, byte by byte. Names that
/// begin with a dot and files of other kinds are left alone.
package struct PluginsFolder {
    /// A library to load, or one that is switched off.
    package struct Candidate: Sendable {
        /// What it is ordered by.
        package var name: String
        /// The path for messages: the folder as it was given, and the file.
        package var file: String
        package var sidecar: PluginSidecar?
        package var isEnabled: Bool { sidecar?.isEnabled ?? true }
    }

    package private(set) var candidates: [Candidate] = []
    package private(set) var errors: [PluginLoadError] = []

    private let folder: String
    private let trust: FileTrust
    private static let suffixes = [".so", ".dylib"]

    /// Reads the folder; what is wrong with it is in `errors` afterwards.
    package init(scanning folder: String, trust: FileTrust) {
        self.folder = folder
        self.trust = trust
        guard let real = FileSystem.realPath(folder), let names = FileSystem.names(in: real) else {
            let reason = "the folder cannot be read: \(FileSystem.lastError)"
            errors.append(
                .init(file: folder, step: .find, message: reason, cure: "mkdir -p \(folder), or name another"))
            return
        }
        do {
            try trust.checkFolder(real, file: folder)
            try scan(names)
        } catch {
            errors.append(error)
        }
        candidates.sort { left, right in
            if left.name != right.name { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
            return left.file.utf8.lexicographicallyPrecedes(right.file.utf8)
        }
    }

    /// Does a file of this name count as a library?
    package static func isLibrary(_ name: String) -> Bool { suffixes.contains { name.hasSuffix($0) } }

    /// The paths of all libraries, Python files and sidecars directly in a folder, whatever they are worth.
    package static func watchedFiles(in folder: String) -> [String] {
        let names = FileSystem.names(in: folder) ?? []
        return names.filter { name in isLibrary(name) || [".yaml", ".yml", ".py"].contains { name.hasSuffix($0) } }
            .map { FileSystem.join(folder, $0) }
    }

    private mutating func scan(_ names: [String]) throws(PluginLoadError) {
        let libraries = names.filter(Self.isLibrary)
        // A Python file without a sidecar is left alone: it may be a module that plugins import.
        let programs = names.filter { $0.hasSuffix(".py") }
        var claims: [String: String] = [:]
        for name in names where name.hasSuffix(".yaml") {
            do {
                try addSidecar(name, libraries + programs, &claims)
            } catch {
                errors.append(error)
            }
        }
        for name in names where name.hasSuffix(".yml") {
            errors.append(
                .init(
                    file: display(name), step: .find, message: "a sidecar's name ends in .yaml",
                    cure: "mv \(display(name)) \(display(Self.stem(name, [".yml"]))).yaml"))
        }
        for library in libraries where claims[identity(display(library))] == nil {
            candidates.append(.init(name: Self.stem(library, Self.suffixes), file: display(library)))
        }
    }

    private mutating func addSidecar(
        _ name: String, _ libraries: [String], _ claims: inout [String: String]
    ) throws(PluginLoadError) {
        let file = display(name)
        let stem = Self.stem(name, [".yaml"])
        let beside = (Self.suffixes + [".py"]).map { stem + $0 }.first { libraries.contains($0) }
        // Claimed even if the sidecar turns out to be wrong: a library is never loaded without what its sidecar asks.
        if let beside { claims[identity(display(beside))] = file }
        let sidecar = try Self.read(file, trust)
        guard let library = sidecar.path ?? beside else {
            throw PluginLoadError(
                file: file, step: .find, message: "there is no library \(stem).so beside this sidecar",
                cure: "build it, or name the library: 'path: lib\(stem).so'")
        }
        if sidecar.path != nil, let beside, library != beside { claims[identity(display(beside))] = nil }
        let path = display(library)
        guard !sidecar.isEnabled || FileStatus.ofPath(path) != nil else {
            throw PluginLoadError(
                file: file, step: .find, message: "'path' names \(path), and there is no such file",
                cure: "build it, correct 'path', or set 'enabled: false'")
        }
        if let other = claims.updateValue(file, forKey: identity(path)), other != file {
            throw PluginLoadError(
                file: file, step: .find, message: "names \(path), and so does \(other)", cure: "remove one of the two")
        }
        candidates.append(.init(name: stem, file: path, sidecar: sidecar))
    }

    static func read(_ file: String, _ trust: FileTrust) throws(PluginLoadError) -> PluginSidecar {
        let opened = try trust.open(file, file: file, maxBytes: FileTrust.maxSidecarBytes)
        let bytes: [UInt8]
        do {
            bytes = try opened.read()
        } catch {
            throw error.at(.find, file)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PluginLoadError(file: file, step: .config, message: "is not UTF-8 text", cure: "save it as UTF-8")
        }
        return try PluginSidecar(parsing: text, file: file)
    }

    private func display(_ name: String) -> String { FileSystem.join(folder, name) }

    /// The same for every spelling of a path to one file.
    private func identity(_ path: String) -> String {
        let (folder, name) = FileSystem.split(path)
        return FileSystem.join(FileSystem.realPath(folder) ?? folder, name)
    }

    private static func stem(_ name: String, _ suffixes: [String]) -> String {
        suffixes.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    }
}
