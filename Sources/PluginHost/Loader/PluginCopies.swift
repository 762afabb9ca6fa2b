import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder of this process, 0700, with private copies of the libraries that it maps.
///
/// The dynamic linker knows files by path and inode, and maps them: a new version under the old name would be the old code,
/// and one written over the old would change code that runs. A copy is written from the bytes that were hashed and has
/// the hash in its name, so what runs is what was checked, whatever happens to the original
/// (docs/decisions/0012). Any thread.
package final class PluginCopies: Sendable {
    /// Folders of earlier processes that are looked at, and files in each, at one start.
    static let maxSwept = 64
    static let maxFiles = 1_024
    /// Names tried for a folder of one's own.
    private static let maxTries = 16

    /// This process's folder, absolute.
    package let folder: String
    /// Locked as long as the process lives: by that others tell whether a folder is in use.
    private let lock: Int32
    private let isRemoved = Mutex(false)

    /// Makes the folder below the first of `places` that is fit for it, and removes those of processes that have ended.
    ///
    /// - Parameters:
    ///   - places: absolute or relative to the working directory; the last part is made if it is not there.
    ///   - notice: takes a line for each place that is not fit.
    package init?(places: [String], insecurePaths: Bool, notice: (String) -> Void) {
        for place in places {
            do throws(StepFailure) {
                let root = try Self.prepare(place, FileTrust(insecurePaths: insecurePaths))
                Self.sweep(root)
                (folder, lock) = try Self.ownFolder(in: root)
                return
            } catch {
                notice("\(place) is not used for copies of plugins: \(error.message)")
            }
        }
        return nil
    }

    /// Writes a copy and returns its path. `name`: that of the original, for those who read maps and crash reports.
    func write(_ bytes: [UInt8], name: String, sha256: String) throws(StepFailure) -> String {
        for number in 1...Self.maxTries {
            let path = "\(folder)/\(name).\(sha256.prefix(16))" + (number > 1 ? ".\(number)" : "")
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o500)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw Self.failure("\(path) cannot be written") }
            let isWritten = Self.writeAll(bytes, descriptor)
            guard close(descriptor) == 0, isWritten else {
                let failure = Self.failure("\(path) cannot be written")
                unlink(path)
                throw failure
            }
            return path
        }
        throw StepFailure(message: "this content was mapped \(Self.maxTries) times", cure: "restart the host")
    }

    /// Takes a copy back that could not be mapped.
    func discard(_ path: String) { unlink(path) }

    /// Removes the folder. What is mapped stays mapped; nothing can be written afterwards.
    package func remove() {
        let isFirst = isRemoved.withLock { isRemoved in
            defer { isRemoved = true }
            return !isRemoved
        }
        guard isFirst else { return }
        Self.empty(folder)
        close(lock)
    }

    // MARK: Places

    /// Where copies may go, best first: the state folder, or one for temporary files.
    package static func places(stateDir: String, _ environment: [String: String]) -> [String] {
        let temporary = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        return [stateDir + "/plugins", temporary + "/kimi-host-\(geteuid())"]
    }

    private static func prepare(_ place: String, _ trust: FileTrust) throws(StepFailure) -> String {
        let (parent, _) = FileSystem.split(place)
        if parent != "/", parent != "." { mkdir(parent, 0o700) }
        guard mkdir(place, 0o700) == 0 || errno == EEXIST else { throw failure("it cannot be made") }
        guard let real = FileSystem.realPath(place) else { throw failure("it cannot be opened") }
        do {
            try trust.checkFolder(real, file: place)
        } catch {
            throw StepFailure(message: error.message, cure: error.cure)
        }
        guard !isNoExec(real) else {
            throw StepFailure(message: "it is mounted noexec", cure: "name another folder")
        }
        return real
    }

    private static func isNoExec(_ path: String) -> Bool {
        #if os(Linux)
        var status = statvfs()
        let noExec: UInt = 8  // ST_NOEXEC of <sys/statvfs.h>, which the Swift modules do not show.
        return statvfs(path, &status) == 0 && UInt(status.f_flag) & noExec != 0
        #else
        return false
        #endif
    }

    private static func ownFolder(in root: String) throws(StepFailure) -> (String, Int32) {
        for _ in 0..<maxTries {
            let path = "\(root)/run-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))"
            guard mkdir(path, 0o700) == 0 else {
                if errno == EEXIST { continue }
                throw failure("it cannot be written")
            }
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure("it cannot be read") }
            // Somebody else's sweep may have come between.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, FileStatus.ofPath(path) != nil { return (path, descriptor) }
            close(descriptor)
        }
        throw StepFailure(message: "no folder of our own could be made in it", cure: "name another folder")
    }

    // MARK: Cleaning up

    /// Removes folders that nobody has locked.
    private static func sweep(_ root: String) {
        let runs = (FileSystem.names(in: root) ?? []).filter { $0.hasPrefix("run-") }
        for name in runs.prefix(maxSwept) {
            let path = "\(root)/\(name)"
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { empty(path) }
            close(descriptor)
        }
    }

    private static func empty(_ path: String) {
        for name in (FileSystem.names(in: path) ?? []).prefix(maxFiles) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let count = platformWrite(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                start += count
            }
            return true
        }
    }

    private static func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, bytes, count)
        #elseif canImport(Musl)
        Musl.write(descriptor, bytes, count)
        #else
        Darwin.write(descriptor, bytes, count)
        #endif
    }

    private static func failure(_ what: String) -> StepFailure {
        StepFailure(message: "\(what): \(FileSystem.lastError)", cure: "check the folder's owner, mode and free space")
    }
}
