#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The database's file, its folder and its companions `-wal` and `-shm`. POSIX calls, no SQLite.
package struct DatabaseFile: Sendable {
    /// Which file a path leads to at the moment.
    package struct Identity: Equatable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    /// A system call that failed.
    package struct Failure: Error {
        package let code: Int32
        package let reason: String
        /// Whether waiting cannot help, so that the start should be refused.
        package let isFatal: Bool

        package init(code: Int32, reason: String, isFatal: Bool) {
            (self.code, self.reason, self.isFatal) = (code, reason, isFatal)
        }
    }

    package let path: String

    package init(path: String) {
        self.path = path
    }

    private static let companions = ["-wal", "-shm", ""]

    /// The file behind the path, nil if there is none or it cannot be asked for.
    package var identity: Identity? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return Identity(device: UInt64(truncatingIfNeeded: info.st_dev), inode: UInt64(truncatingIfNeeded: info.st_ino))
    }

    /// Whether there is certainly no file, so that nothing can be stored in it.
    package var isAbsent: Bool {
        var info = stat()
        return stat(path, &info) != 0 && errno == ENOENT
    }

    private var type: mode_t? {
        var info = stat()
        return stat(path, &info) == 0 ? info.st_mode & S_IFMT : nil
    }

    /// Whether something is there that cannot be a database.
    package var isOther: Bool { type.map { $0 != S_IFREG } ?? false }

    package var isFolder: Bool { type == S_IFDIR }

    /// Whether this process has no permission to read it.
    package var isForbidden: Bool { access(path, R_OK) != 0 && errno == EACCES }

    /// Whether its journal `-wal` has something in it.
    package var hasJournal: Bool {
        var info = stat()
        return stat(path + "-wal", &info) == 0 && info.st_size > 0
    }

    /// Makes folder (0700) and file (0600) where they are missing and takes the file away from other users' eyes.
    ///
    /// The file is made here because SQLite would make it by the umask; the companions take the file's mode.
    package func prepare() throws(Failure) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw Failure(code: EINVAL, reason: "the path is empty or has a NUL in it", isFatal: true)
        }
        try makeFolder(of: path)
        var info = stat()
        if stat(path, &info) != 0 {
            guard errno == ENOENT else { throw failure("cannot look at it") }
            // An existing file is never opened here: closing it would take SQLite's locks of this process away.
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw failure("cannot be made") }
            _ = close(descriptor)
            return
        }
        guard info.st_mode & S_IFMT == S_IFREG else {
            throw Failure(code: EINVAL, reason: "not a regular file; name a file", isFatal: true)
        }
        // A file that was made read-only on purpose stays so; companions that SQLite made then would stay so for ever.
        guard info.st_mode & 0o200 != 0 else { return }
        for companion in Self.companions { _ = chmod(path + companion, 0o600) }
    }

    /// Renames the file and its companions to `name.corrupt-<unix time>`; answers the new path.
    ///
    /// The companions go first: a new database must never find an old journal.
    package func moveAside(now: Int64) throws(Failure) -> String {
        var time = now
        while access("\(path).corrupt-\(time)", F_OK) == 0 { time += 1 }
        let target = "\(path).corrupt-\(time)"
        for companion in Self.companions where rename(path + companion, target + companion) != 0 && errno != ENOENT {
            throw failure("cannot move it aside")
        }
        return target
    }

    /// The folder that it is to stand in, and those above it, where they are missing (0700).
    package func makeFolder() throws(Failure) { try makeFolder(of: path) }

    private func makeFolder(of child: String) throws(Failure) {
        guard let slash = child.lastIndex(of: "/"), slash > child.startIndex else { return }
        let folder = String(child[..<slash])
        var info = stat()
        if stat(folder, &info) == 0 { return }
        guard errno == ENOENT else { throw failure("its folder \(folder) cannot be used") }
        try makeFolder(of: folder)
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            let code = errno
            let isFatal = ![ENOSPC, EDQUOT, EIO].contains(code)
            throw Failure(
                code: code, reason: "its folder \(folder) cannot be made: \(Self.text(code))", isFatal: isFatal)
        }
    }

    private func failure(_ what: String) -> Failure {
        let code = errno
        let isFatal = [ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EINVAL].contains(code)
        return Failure(code: code, reason: "\(what): \(Self.text(code))", isFatal: isFatal)
    }

    private static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Seconds since 1970 by the system's clock.
@Sendable package func unixSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
}
