#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Opens files that nobody but root and this process's user can have written or replaced.
///
/// A plugin runs with all rights of the host, so whoever can write the file, or rename something in a folder above it,
/// is the host. Checked are the file and each folder up to the root: owner root or the effective user, not writable by
/// group or others. A root-owned folder with the sticky bit (/tmp) is accepted, because there an entry can be replaced
/// by its owner only, and the owner of the entry is checked as well. Symbolic links in the folders are resolved first.
package struct FileTrust: Sendable {
    package static let maxLibraryBytes = 256 << 20
    package static let maxSidecarBytes = 1 << 20

    /// Accept any owner and mode. For development; the caller logs it at each start.
    package var insecurePaths: Bool
    private let user: UInt32

    package init(insecurePaths: Bool = false) {
        self.insecurePaths = insecurePaths
        user = geteuid()
    }

    /// Opens `path` for reading.
    ///
    /// - Parameter file: the name for messages, as the operator knows it.
    package func open(_ path: String, file: String, maxBytes: Int) throws(PluginLoadError) -> TrustedFile {
        let (folder, name) = FileSystem.split(path)
        guard let realFolder = FileSystem.realPath(folder) else {
            throw StepFailure(
                message: "the folder \(folder) cannot be opened: \(FileSystem.lastError)", cure: "correct the path"
            ).at(.find, file)
        }
        let realPath = FileSystem.join(realFolder, name)
        let descriptor = platformOpen(realPath)
        guard descriptor >= 0 else { throw openFailure(realPath).at(errno == ENOENT ? .find : .trust, file) }
        guard let status = FileStatus.ofDescriptor(descriptor) else {
            let reason = FileSystem.lastError
            close(descriptor)
            throw StepFailure(message: "fstat failed: \(reason)", cure: "check the disk").at(.trust, file)
        }
        let opened = TrustedFile(path: realPath, status: status, descriptor: descriptor)
        do {
            try check(opened.status, realPath, maxBytes)
            if !insecurePaths { try walk(realFolder, opened.status, realPath) }
        } catch {
            throw error.at(.trust, file)
        }
        return opened
    }

    /// Checks a folder itself, before its listing is believed.
    func checkFolder(_ realPath: String, file: String) throws(PluginLoadError) {
        guard !insecurePaths else { return }
        do {
            for folder in Self.prefixes(of: realPath) { try checkFolder(folder) }
        } catch {
            throw error.at(.trust, file)
        }
    }

    private func platformOpen(_ path: String) -> Int32 {
        // NONBLOCK: a named pipe must not hang the start; it is refused after fstat.
        #if canImport(Glibc)
        Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        #elseif canImport(Musl)
        Musl.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        #else
        Darwin.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        #endif
    }

    private func openFailure(_ path: String) -> StepFailure {
        switch errno {
        case ENOENT: StepFailure(message: "there is no file \(path)", cure: "build it, or correct the path")
        case ELOOP:
            StepFailure(
                message: "\(path) is a symbolic link",
                cure: "put the file itself there, or name its real place in a sidecar's 'path'")
        default: StepFailure(message: "\(path) cannot be opened: \(FileSystem.lastError)", cure: "chmod u+r \(path)")
        }
    }

    private func check(_ status: FileStatus, _ path: String, _ maxBytes: Int) throws(StepFailure) {
        guard status.kind == .regular else {
            throw StepFailure(message: "\(path) is not a regular file", cure: "remove it")
        }
        guard status.size <= Int64(maxBytes) else {
            throw StepFailure(
                message: "\(path) has \(status.size) bytes, more than the \(maxBytes) this host reads",
                cure: "make it smaller, for example with strip")
        }
    }

    private func walk(_ folder: String, _ status: FileStatus, _ path: String) throws(StepFailure) {
        for prefix in Self.prefixes(of: folder) { try checkFolder(prefix) }
        try checkOwnerAndMode(status, "", path)
    }

    private func checkFolder(_ path: String) throws(StepFailure) {
        guard let status = FileStatus.ofPath(path), status.kind == .directory else {
            throw StepFailure(message: "the folder \(path) changed while it was checked", cure: "start again")
        }
        if status.isSticky, status.owner == 0 { return }
        try checkOwnerAndMode(status, "the folder ", path)
    }

    private func checkOwnerAndMode(_ status: FileStatus, _ what: String, _ path: String) throws(StepFailure) {
        guard status.owner == 0 || status.owner == user else {
            throw StepFailure(
                message: "\(what)\(path) belongs to user \(status.owner), neither to root nor to this process's user "
                    + "\(user) (mode \(status.modeText))",
                cure: "chown \(user) \(path)")
        }
        let writers =
            switch (status.isGroupWritable, status.isWorldWritable) {
            case (_, true): "everybody"
            case (true, false): "its group"
            case (false, false): ""
            }
        guard writers.isEmpty else {
            throw StepFailure(
                message: "\(what)\(path) can be written by \(writers) (mode \(status.modeText))",
                cure: "chmod go-w \(path)")
        }
    }

    /// "/", "/a", "/a/b" for "/a/b".
    private static func prefixes(of path: String) -> [String] {
        var all = ["/"]
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/" + part
            all.append(prefix)
        }
        return all
    }
}
