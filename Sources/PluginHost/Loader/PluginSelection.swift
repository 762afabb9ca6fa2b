/// Which libraries of a plugins folder may be loaded.
package struct PluginSelection: Sendable {
    /// Names in the load order, or of files; empty: all.
    package var only: [String]
    /// A library without a `sha256` in its sidecar is an error.
    package var requiresPins: Bool

    package init(only: [String] = [], requiresPins: Bool = false) {
        self.only = only
        self.requiresPins = requiresPins
    }

    package func includes(_ candidate: PluginsFolder.Candidate) -> Bool {
        only.isEmpty || only.contains { Self.names(of: candidate).contains($0) }
    }

    /// What is asked for and not there.
    func missing(in folder: String, among candidates: [PluginsFolder.Candidate]) -> [PluginLoadError] {
        only.filter { name in !candidates.contains { Self.names(of: $0).contains(name) } }.map { name in
            let there = candidates.map(\.name).joined(separator: ", ")
            return PluginLoadError(
                file: folder, step: .find, message: "there is no plugin '\(name)' in it",
                cure: "name one of these: \(there.isEmpty ? "(the folder is empty)" : there)")
        }
    }

    /// Throws for a library that may not be loaded because nothing says what it must hash to.
    func checkPinned(_ candidate: PluginsFolder.Candidate) throws(PluginLoadError) {
        guard requiresPins, candidate.sidecar?.sha256 == nil else { return }
        throw PluginLoadError(
            file: candidate.file, step: .pin, message: "no sidecar says what it must hash to, and pins are required",
            cure: "look at the file, then: kimi-host plugins pin \(candidate.name)")
    }

    /// The name in the load order, the file's with and without its ending, and that without `lib`.
    private static func names(of candidate: PluginsFolder.Candidate) -> [String] {
        let file = FileSystem.split(candidate.file).name
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        return [candidate.name, file, stem, stem.hasPrefix("lib") ? String(stem.dropFirst(3)) : stem]
            + (candidate.sidecar?.id.map { [$0] } ?? [])
    }
}
