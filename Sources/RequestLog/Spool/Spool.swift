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

    private let folder: String
    private(set) var files: SpoolFiles
    private let limit: Int
    /// How far the spool was taken over when `waiting` was counted.
    private var place = SpoolPlace()
    private var lock: Int32?
    private var descriptor: Int32 = -1
    private var current: Int64 = 0
    private var size: Int64 = 0
    /// What went wrong.
    private(set) var trouble: String?
    /// Bytes that wait.
    private(set) var waiting: Int64 = 0

    /// - Parameter limit: bytes that may wait; 0: there is no spool, only what an earlier host left is taken over.
    init(folder: String, limit: Int) {
        self.folder = folder
        files = SpoolFiles(folder: folder, log: "")
        self.limit = limit
    }

    deinit { close() }

    /// `log`: whose files they are; `place`: how far they were taken over. Makes nothing: the folder is made in the first
    /// rush.
    func open(_ log: String, _ place: SpoolPlace) {
        close()
        files = SpoolFiles(folder: folder, log: log)
        look(place)
    }

    var isHeld: Bool { lock != nil }

    /// Looks for files that another host left when it ended.
    func look(_ place: SpoolPlace) {
        current = max(current, place.segment)
        guard let last = files.segments.last, acquire() else { return }
        current = max(current, last)
        see(place)
        waiting = files.bytes(behind: place)
    }

    /// Another process may have taken some over.
    func see(_ place: SpoolPlace) {
        if place != self.place { waiting = files.bytes(behind: place) }
        self.place = place
    }

    /// Another host that writes to the same log keeps the spool for itself.
    private func acquire() -> Bool {
        if lock == nil { lock = files.lock() }
        return lock != nil
    }

    func close() {
        if descriptor >= 0 {
            SpoolCalls.close(descriptor)
            if size == 0 { files.remove(current) }
        }
        if let lock { SpoolCalls.close(lock) }
        (descriptor, lock, waiting, size, place) = (-1, nil, 0, 0, SpoolPlace())
    }

    /// The next records. A file that cannot be read is put out of the way, if it is this process's to do so.
    func page(from start: SpoolPlace, entries: Int, bytes: Int) throws -> SpoolReader.Page {
        see(start)
        while true {
            do {
                return try SpoolReader(files: files, isAlone: isHeld).page(from: start, entries: entries, bytes: bytes)
            } catch let failure as SpoolReader.Failure {
                guard isHeld else { throw failure.cause }
                if !files.putAside(failure.segment) { files.skipped.insert(failure.segment) }
                trouble = "\(failure.cause.reason); it was put aside, and what is in it is not in the log"
                waiting = files.bytes(behind: start)
            }
        }
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

    /// The database has everything up to the page's place: files in front of it go, at the end all of them. Answers the
    /// bytes that were lost.
    func tookOver(_ page: SpoolReader.Page) -> Int64 {
        guard isHeld else { return 0 }
        // What waited and is not there any more.
        let lost = page.isEnd ? max(page.lost, waiting) : page.lost
        for segment in files.segments where segment < page.place.segment { files.remove(segment) }
        place = page.place
        waiting = page.isEnd ? 0 : files.bytes(behind: page.place)
        guard page.isEnd || waiting == 0 else { return lost }
        if descriptor >= 0 { SpoolCalls.close(descriptor) }
        (descriptor, size, waiting) = (-1, 0, 0)
        for segment in files.segments where segment <= current { files.remove(segment) }
        return lost
    }

    /// What is to be told, once.
    func takeTrouble() -> String? {
        defer { trouble = nil }
        return trouble
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
