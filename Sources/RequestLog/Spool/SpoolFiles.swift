import SQLiteFiles

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How far the spool has been taken over into the database; kept in the database.
struct SpoolPlace: Equatable, Comparable, Sendable {
    var segment: Int64 = 0
    /// Bytes of that segment.
    var offset: Int64 = 0

    static func < (one: SpoolPlace, other: SpoolPlace) -> Bool {
        (one.segment, one.offset) < (other.segment, other.offset)
    }
}

/// The segments of a spool: files with ascending numbers, each full of frames. POSIX calls.
///
/// Their names begin with the log's, which its database knows: a folder may hold those of several logs.
struct SpoolFiles: Sendable {
    private static let ending = ".frames"

    let folder: String
    let log: String
    /// Cannot be read, and not be put aside either.
    var skipped: Set<Int64> = []

    init(folder: String, log: String) { (self.folder, self.log) = (folder, log) }

    func path(_ segment: Int64) -> String { "\(folder)/\(log)-\(segment)\(Self.ending)" }

    /// Ascending.
    var segments: [Int64] {
        Self.names(folder).filter { $0.log == log && !skipped.contains($0.segment) }.map(\.segment).sorted()
    }

    /// Logs that have segments in a folder.
    static func logs(in folder: String) -> Set<String> { Set(names(folder).map(\.log)) }

    private static func names(_ folder: String) -> [(log: String, segment: Int64)] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [(log: String, segment: Int64)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let parts = name.dropLast(ending.count).split(separator: "-", omittingEmptySubsequences: false)
            if name.hasSuffix(ending), parts.count == 2, let number = Int64(parts[1]) {
                names.append((String(parts[0]), number))
            }
        }
        return names
    }

    /// Whether something has the segment's name, be it a link that leads nowhere.
    func exists(_ segment: Int64) -> Bool {
        var info = stat()
        return lstat(path(segment), &info) == 0
    }

    /// Puts a segment that cannot be read out of the way; false: it stays.
    func putAside(_ segment: Int64) -> Bool { rename(path(segment), path(segment) + ".bad") == 0 }

    func size(_ segment: Int64) -> Int64 {
        var info = stat()
        return stat(path(segment), &info) == 0 ? Int64(info.st_size) : 0
    }

    /// Bytes behind `place`.
    func bytes(behind place: SpoolPlace) -> Int64 {
        segments.reduce(0) { sum, segment in
            if segment < place.segment { return sum }
            return sum + max(0, size(segment) - (segment == place.segment ? place.offset : 0))
        }
    }

    func remove(_ segment: Int64) { _ = unlink(path(segment)) }

    private var lockFile: DatabaseFile { DatabaseFile(path: "\(folder)/\(log).lock") }

    /// Makes the folder (0700) if it is missing.
    func make() throws(DatabaseFile.Failure) { try lockFile.makeFolder() }

    /// The host that appends; nil: another one does. Held until the descriptor is closed.
    func lock() -> Int32? {
        let descriptor = open(lockFile.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Whether no host has them.
    var isLeft: Bool {
        guard let descriptor = lock() else { return false }
        close(descriptor)
        return true
    }

    static func failure(_ what: String) -> DatabaseFile.Failure {
        let code = errno
        var buffer = [CChar](repeating: 0, count: 128)
        let known = strerror_r(code, &buffer, buffer.count) == 0
        let text = known ? String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        return DatabaseFile.Failure(code: code, reason: "\(what): \(text)", isFatal: false)
    }
}
