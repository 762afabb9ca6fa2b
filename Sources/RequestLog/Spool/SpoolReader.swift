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
    }

    let files: SpoolFiles

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
        let goesOn: Bool
        do {
            goesOn = try read(descriptor, &page, entries, bytes)
        } catch {
            throw failure(segment)
        }
        guard !goesOn else { return page }
        guard let next = segments.first(where: { $0 > segment }) else {
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
    private func read(_ descriptor: Int32, _ page: inout Page, _ entries: Int, _ bytes: Int) throws -> Bool {
        var room = bytes
        while true {
            let block = try Self.bytes(descriptor, page.place.offset, room)
            let before = page.place
            guard block.withUnsafeBytes({ Self.take($0, entries, &page) }) else { return false }
            let goesOn = block.count == room
            if !page.records.isEmpty || !goesOn { return goesOn || page.records.count >= entries }
            // One frame is longer than all that was read.
            if page.place == before { room *= 4 }
        }
    }

    /// Takes the whole frames of `block`, which begins at the page's place; false: what follows them is none.
    private static func take(_ block: UnsafeRawBufferPointer, _ entries: Int, _ page: inout Page) -> Bool {
        var place = 0
        while page.records.count < entries, block.count - place >= Frame.header {
            guard let length = Frame.length(in: block, at: place) else { return false }
            let start = place + Frame.header
            guard block.count - start >= length else { return true }
            // Of a damaged disk: passed over, and told.
            if let record = try? FrameReader.record(
                in: UnsafeRawBufferPointer(rebasing: block[start..<(start + length)]))
            {
                page.records.append(record)
            } else {
                page.lost += Int64(Frame.header + length)
            }
            place = start + length
            page.place.offset += Int64(Frame.header + length)
        }
        return true
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
