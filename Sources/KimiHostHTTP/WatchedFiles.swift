import PluginHost

/// Files whose change is worth loading the configuration anew.
package struct WatchedFiles: Sendable {
    private let files: [String]
    /// The plugins folder, of which every library and sidecar counts; nil: none.
    private let folder: String?
    /// As they were when this was made: what changes before anybody looks is a change.
    let made: FileStamps

    /// - Parameter files: configuration, certificates, and libraries outside of `folder`.
    package init(files: [String], folder: String?) {
        self.files = files
        self.folder = folder
        made = Self.stamps(files, folder)
    }

    /// All of them as they are now.
    func stamps() -> FileStamps { Self.stamps(files, folder) }

    private static func stamps(_ files: [String], _ folder: String?) -> FileStamps {
        let found = folder.map { PluginsFolder.watchedFiles(in: $0) } ?? []
        return FileStamps(named: stamps(files), found: stamps(found))
    }

    private static func stamps(_ files: [String]) -> [String: FileStamp?] {
        Dictionary(files.map { ($0, FileStamp($0)) }, uniquingKeysWith: { first, _ in first })
    }
}

/// How files were at one time.
struct FileStamps: Equatable {
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

    /// The same moment for other names; files that were not looked at then are as they are in `later`.
    func with(namesOf later: FileStamps) -> FileStamps {
        var stamps = self
        stamps.named = later.named.reduce(into: [:]) { $0[$1.key] = .some(named[$1.key] ?? $1.value) }
        return stamps
    }
}
