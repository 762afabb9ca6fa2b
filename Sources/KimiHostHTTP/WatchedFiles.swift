import PluginHost

/// Files whose change is worth loading the configuration anew.
package struct WatchedFiles: Sendable {
    private let files: [String]
    /// The plugins folder, of which every library and sidecar counts; nil: none.
    private let folder: String?

    /// - Parameter files: configuration, certificates, and libraries outside of `folder`.
    package init(files: [String], folder: String?) {
        self.files = files
        self.folder = folder
    }

    /// All of them as they are now.
    package func stamps() -> FileStamps {
        let found = folder.map { PluginsFolder.watchedFiles(in: $0) } ?? []
        return FileStamps(named: Self.stamps(files), found: Self.stamps(found))
    }

    private static func stamps(_ files: [String]) -> [String: FileStamp?] {
        Dictionary(files.map { ($0, FileStamp($0)) }, uniquingKeysWith: { first, _ in first })
    }
}

/// How files were at one time.
package struct FileStamps: Equatable, Sendable {
    /// Those that are looked at by name. Nil: there is no such file.
    private(set) var named: [String: FileStamp?]
    /// Those of the plugins folder.
    let found: [String: FileStamp?]

    init(named: [String: FileStamp?], found: [String: FileStamp?]) {
        self.named = named
        self.found = found
    }

    /// Is there a library among those that differ? It takes longer to be written than a text.
    func hasOtherLibraries(than other: FileStamps) -> Bool {
        Self.differ(named, other.named) || Self.differ(found, other.found)
    }

    private static func differ(_ some: [String: FileStamp?], _ others: [String: FileStamp?]) -> Bool {
        Set(some.keys).union(others.keys).contains { path in
            some[path] != others[path] && PluginsFolder.isLibrary(path)
        }
    }

    /// Looks at further files by name; those that were looked at already are left as they were then.
    package mutating func add(_ files: [String]) {
        for file in files where named[file] == nil { named[file] = .some(FileStamp(file)) }
    }

    /// The same moment for other names; files that were not looked at then are as they are in `later`.
    package func with(namesOf later: FileStamps) -> FileStamps {
        var stamps = self
        stamps.named = later.named.reduce(into: [:]) { $0[$1.key] = .some(named[$1.key] ?? $1.value) }
        return stamps
    }
}
