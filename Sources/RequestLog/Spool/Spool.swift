import SQLiteFiles

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Where exchanges wait that come in a rush: appended as they are, which costs a twentieth of packing them, and taken over
/// into the database when the rush is over. One thread at a time; calls block.
///
/// What is appended survives the process. Exchanges enter the database in the order in which they came, so as long as
/// something waits here all go through here.
final class Spool: @unchecked Sendable {
    static let segmentBytes: Int64 = 64 << 20

    let files: SpoolFiles
    private let limit: Int
    private var lock: Int32?
    private var descriptor: Int32 = -1
    private var current: Int64 = 0
    private var size: Int64 = 0
    /// Why it cannot be used, the first time that it could not.
    private(set) var trouble: String?
    /// Bytes that wait.
    private(set) var waiting: Int64 = 0

    /// - Parameter limit: bytes that may wait; 0: there is no spool, only what an earlier host left is taken over.
    init(folder: String, limit: Int) {
        files = SpoolFiles(folder: folder)
        self.limit = limit
    }

    deinit { close() }

    /// `place`: how far it was taken over. Makes nothing: the folder is made in the first rush.
    func open(_ place: SpoolPlace) {
        close()
        current = place.segment
        guard let last = files.segments.last, acquire() else { return }
        current = max(current, last)
        waiting = files.bytes(behind: place)
    }

    /// Another host that writes to the same log keeps the spool for itself.
    private func acquire() -> Bool {
        if lock == nil { lock = files.lock() }
        return lock != nil
    }

    func close() {
        if descriptor >= 0 { SpoolCalls.close(descriptor) }
        if let lock { SpoolCalls.close(lock) }
        (descriptor, lock, waiting, size) = (-1, nil, 0, 0)
    }

    func hasRoom(for bytes: Int) -> Bool { waiting + Int64(bytes) <= Int64(limit) }

    /// Whether exchanges may be appended; makes the folder.
    func isReady() -> Bool {
        if lock != nil { return true }
        guard limit > 0, isPossible() else { return false }
        current = max(current, files.segments.last ?? 0)
        return true
    }

    private func isPossible() -> Bool {
        do {
            try files.make()
            if acquire() { return true }
            trouble = trouble ?? "another process holds \(files.folder)"
        } catch {
            trouble = trouble ?? error.reason
        }
        return false
    }

    /// Appends all frames or none.
    func append(_ batch: LogBatch, _ redaction: Redaction?) throws {
        if descriptor < 0 || size >= Self.segmentBytes { try begin() }
        var written: Int64 = 0
        do {
            try batch.readingHidden(redaction) { bytes in
                try write(bytes)
                written += Int64(bytes.count)
            }
        } catch {
            // Frames stay whole; if even this fails, a torn one ends its segment.
            if ftruncate(descriptor, off_t(size)) != 0 { try begin() }
            _ = lseek(descriptor, off_t(size), SEEK_SET)
            throw error
        }
        size += written
        waiting += written
    }

    private func begin() throws {
        if descriptor >= 0 { SpoolCalls.close(descriptor) }
        current += 1
        size = 0
        let path = files.path(current)
        descriptor = SpoolCalls.create(path)
        guard descriptor >= 0 else { throw SpoolFiles.failure("\(path) cannot be made") }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = SpoolCalls.write(descriptor, rest)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SpoolFiles.failure("\(files.path(current)) cannot be written") }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The database has everything up to `place`: files in front of it go, at the end all of them.
    func tookOver(_ page: SpoolReader.Page) {
        guard lock != nil else { return }
        for segment in files.segments where segment < page.place.segment { files.remove(segment) }
        waiting = page.isEnd ? 0 : files.bytes(behind: page.place)
        guard page.isEnd || waiting == 0 else { return }
        if descriptor >= 0 { SpoolCalls.close(descriptor) }
        (descriptor, size, waiting) = (-1, 0, 0)
        for segment in files.segments where segment <= current { files.remove(segment) }
    }
}

/// System calls whose names are also those of methods.
private enum SpoolCalls {
    @discardableResult
    static func close(_ descriptor: Int32) -> Int32 { shut(descriptor) }

    static func create(_ path: String) -> Int32 {
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }

    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        put(descriptor, bytes.baseAddress, bytes.count)
    }
}

private func shut(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func put(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
