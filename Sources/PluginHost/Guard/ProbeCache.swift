import JSONSchema

/// The libraries that a child process has loaded without harm, by content hash, with their manifests. A value.
struct ProbeCache: Sendable {
    static let file = "probed.json"
    /// Libraries that are remembered; the oldest go first.
    static let maxEntries = 256

    /// By content hash, oldest first.
    private var entries = ConfigObject()

    init() {}

    init(_ folder: StateFolder) {
        entries = folder.read(Self.file)?["libraries"]?.object ?? ConfigObject()
    }

    subscript(sha256: String) -> ConfigNode? { entries[sha256]?["manifest"] }

    mutating func add(_ sha256: String, file: String, manifest: ConfigNode) {
        entries.members.removeAll { $0.key == sha256 }
        entries.members = Array(entries.members.suffix(Self.maxEntries - 1))
        let entry = ConfigObject([
            .init(key: "file", value: .string(file)), .init(key: "time", value: ConfigNode(.int(CrashRecord.now))),
            .init(key: "manifest", value: manifest),
        ])
        entries.members.append(.init(key: sha256, value: ConfigNode(.object(entry))))
    }

    func write(to folder: StateFolder) throws(StateFolder.Failure) {
        let object = ConfigObject([.init(key: "libraries", value: ConfigNode(.object(entries)))])
        try folder.write(ConfigNode(.object(object)), to: Self.file)
    }
}
