import LogModel
import SQLiteFiles

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Reads frames behind a place. Any process may.
struct SpoolReader {
    /// What was read at once.
    struct Page {
        var records: [ExchangeRecord] = []
        /// Behind the last of them.
        var place: SpoolPlace
        /// Nothing follows at the moment.
        var isEnd = false
        /// Bytes that are no frames: the system went down while they were written.
        var lost: Int64 = 0
        /// Of the records, about.
        fileprivate var cost = 0
    }

    /// Read at once to begin with; most groups are shorter.
    private static let firstRoom = 2 << 20

    let files: SpoolFiles
    /// No other process appends to them.
    let isAlone: Bool

    /// The next records, at most so many and in about so many bytes, of one segment.
    func page(from start: SpoolPlace, entries: Int, bytes: Int) throws -> Page {
        // Listed first: a segment with a successor is complete.
        let segments = files.segments.filter { $0 >= start.segment }
        // What is listed and gone has just been taken over by another process.
        guard let segment = segments.first(where: files.exists) else { return Page(place: start, isEnd: true) }
        var page = Page(place: segment == start.segment ? start : SpoolPlace(segment: segment, offset: 0))
        let descriptor = open(files.path(segment), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(segment) }
        defer { close(descriptor) }
        let next = segments.first { $0 > segment }
        let goesOn: Bool
        do {
            goesOn = try read(descriptor, &page, (entries, bytes), isComplete: next != nil || isAlone)
        } catch {
            throw failure(segment)
        }
        guard !goesOn else { return page }
        guard let next else {
            page.isEnd = page.records.isEmpty
            if page.isEnd { page.lost += max(0, files.size(segment) - page.place.offset) }
            return page
        }
        page.lost += max(0, files.size(segment) - page.place.offset)
        page.place = SpoolPlace(segment: next, offset: 0)
        return page
    }

    /// A segment that cannot be read.
    struct Failure: Error {
        let segment: Int64
        let cause: DatabaseFile.Failure
    }

    private func failure(_ segment: Int64) -> Failure {
        Failure(segment: segment, cause: SpoolFiles.failure("\(files.path(segment)) cannot be read"))
    }

    /// Whether there may be more in this segment.
    private func read(
        _ descriptor: Int32, _ page: inout Page, _ most: (entries: Int, bytes: Int), isComplete: Bool
    ) throws -> Bool {
        var room = Self.firstRoom
        while page.records.count < most.entries, page.cost < most.bytes {
            let block = try Self.bytes(descriptor, page.place.offset, room)
            let before = page.place
            let isWhole = block.withUnsafeBytes { block in
                Self.take(block, &page) { $0.records.count < most.entries && $0.cost < most.bytes }
            }
            guard isWhole else { return false }
            if page.place != before { continue }
            guard block.count == room else {
                if isComplete { block.withUnsafeBytes { Self.takeTorn($0, &page) } }
                return false
            }
            // One group is longer than all that was read.
            room *= 4
        }
        return true
    }

    /// A group whose end is missing.
    private static func takeTorn(_ block: UnsafeRawBufferPointer, _ page: inout Page) {
        guard let group = FrameGroup(in: block, at: 0) else { return }
        take(group, block, &page)
        page.place.offset += Int64(block.count)
    }

    /// Takes the whole groups of `block`, which begins at the page's place; false: what follows them is none.
    private static func take(_ block: UnsafeRawBufferPointer, _ page: inout Page, while hasRoom: (Page) -> Bool) -> Bool
    {
        var place = 0
        while hasRoom(page), block.count - place >= FrameGroup.header {
            guard let group = FrameGroup(in: block, at: place) else { return false }
            guard block.count - place >= group.count else { return true }
            take(group, UnsafeRawBufferPointer(rebasing: block[place..<(place + group.count)]), &page)
            place += group.count
            page.place.offset += Int64(group.count)
        }
        return true
    }

    /// What is damaged is passed over, and told.
    private static func take(_ group: FrameGroup, _ bytes: UnsafeRawBufferPointer, _ page: inout Page) {
        var (place, skipped) = (FrameGroup.header, group.skipped)
        // Of damaged bytes a few could become very many; no group holds more.
        var cost = 0
        while place < bytes.count {
            let start = place + Frame.header
            guard let length = Frame.length(in: bytes, at: place), bytes.count - start >= length else {
                return page.lost += Int64(bytes.count - place)
            }
            if skipped > 0 {
                skipped -= 1
            } else if cost < FrameChunk.maxCost,
                let record = try? FrameReader.record(in: bytes, start..<(start + length)), record.makesSense
            {
                cost += record.cost
                page.cost += record.cost
                page.records.append(record)
            } else {
                page.lost += Int64(Frame.header + length)
            }
            place = start + length
        }
    }

    private static func bytes(_ descriptor: Int32, _ offset: Int64, _ most: Int) throws -> [UInt8] {
        var code = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            repeat {
                code = pread(descriptor, buffer.baseAddress, most, off_t(offset))
            } while code < 0 && errno == EINTR
            count = max(0, code)
        }
        guard code >= 0 else { throw SpoolFiles.failure("the spool cannot be read") }
        return bytes
    }
}
