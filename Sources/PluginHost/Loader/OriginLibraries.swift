/// The libraries that a plugin wants from its own folder (`$ORIGIN` in its run path).
///
/// A plugin is mapped as a copy in another folder, where the dynamic linker would not find them. So they are mapped
/// first, from where they lie; the linker then takes what is mapped under the name that the plugin asks for.
struct OriginLibraries {
    let folder: String
    let trust: FileTrust

    /// Maps what `elf` needs and `folder` has.
    func load(_ elf: ElfFile) throws(StepFailure) {
        for (name, path) in found(elf) { try load(name, path) }
    }

    /// Does `elf` need anything that `folder` has?
    func areNeeded(by elf: ElfFile) -> Bool { !found(elf).isEmpty }

    private func found(_ elf: ElfFile) -> [(name: String, path: String)] {
        let folders = elf.runPaths.compactMap(resolved)
        guard !folders.isEmpty else { return [] }
        return elf.needed.filter { !$0.contains("/") }.compactMap { name in
            let candidates = folders.map { FileSystem.join($0, name) }
            return candidates.lazy.compactMap(FileSystem.realPath).first.map { (name, $0) }
        }
    }

    private func resolved(_ entry: String) -> String? {
        for word in ["$ORIGIN", "${ORIGIN}"] where entry.hasPrefix(word) {
            return folder + entry.dropFirst(word.count)
        }
        return nil
    }

    private func load(_ name: String, _ path: String) throws(StepFailure) {
        do throws(StepFailure) {
            _ = try LibraryHandle.open(path, sha256: FileDigest.sha256(try read(path)))
        } catch {
            throw StepFailure(message: "it needs \(name) from \(path): \(error.message)", cure: error.cure)
        }
    }

    private func read(_ path: String) throws(StepFailure) -> [UInt8] {
        let opened: TrustedFile
        do throws(PluginLoadError) {
            opened = try trust.open(path, file: path, maxBytes: FileTrust.maxLibraryBytes)
        } catch {
            throw StepFailure(message: error.message, cure: error.cure)
        }
        return try opened.read()
    }
}
