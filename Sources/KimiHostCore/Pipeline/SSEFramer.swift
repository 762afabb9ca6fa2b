import CanonicalModel
package import PluginABI

/// Cuts a server-sent event stream (WHATWG HTML, "Server-sent events") into frames, at any cut of its bytes.
///
/// Frames point into the chunk, or into what was carried over, and are valid during the callback only. The scan is
/// linear: bytes of an unfinished event are not looked at again.
package struct SSEFramer {
    /// Bytes of one unfinished event that are kept; more is a failure.
    package static let maxEventBytes = 16 << 20

    /// Bytes since the start of the unfinished event, when it spans chunks.
    private var carry: [UInt8] = []
    /// State of the unfinished event, relative to its first byte.
    private var event = EventState()
    private var isFirst = true
    private var skipsLineFeed = false
    private var joined: [[UInt8]] = []

    package init() {}

    /// Takes the next bytes and calls `body` once if they completed any event. False when one grew over the limit.
    package mutating func push<Failure: Error>(
        _ chunk: [UInt8], _ body: (UnsafeBufferPointer<kimi_frame>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        if carry.isEmpty {
            let consumed = try chunk.withBytes { bytes throws(Failure) in try scan(bytes, body) }
            carry.append(contentsOf: chunk[consumed...])
        } else {
            carry.append(contentsOf: chunk)
            let whole = carry
            let consumed = try whole.withBytes { bytes throws(Failure) in try scan(bytes, body) }
            if consumed > 0 { carry.removeFirst(consumed) }
        }
        return carry.count <= Self.maxEventBytes
    }

    /// Scans from the unfinished event's state; returns how many bytes belong to finished events.
    private mutating func scan<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<kimi_frame>) throws(Failure) -> Void
    ) throws(Failure) -> Int {
        var frames: [kimi_frame] = []
        joined.removeAll(keepingCapacity: true)
        var start = 0
        skipByteOrderMark(bytes, &start)
        while let line = nextLine(bytes, start) {
            if line.isEmpty {
                if event.hasData { frames.append(frame(bytes, start)) }
                start += event.position
                event = EventState()
            } else {
                event.take(bytes, line, base: start)
            }
        }
        if !frames.isEmpty { try frames.withUnsafeBufferPointer { pointer throws(Failure) in try body(pointer) } }
        return start
    }

    /// The next complete line, without its end, and moves `event.position` behind it. Nil: more bytes are needed.
    private mutating func nextLine(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Range<Int>? {
        var begin = start + event.position
        if skipsLineFeed, begin < bytes.count {
            // The second half of a CR LF whose CR ended the line before, perhaps in another chunk.
            skipsLineFeed = false
            if bytes[begin] == 0x0A {
                begin += 1
                event.position += 1
                event.searched = max(event.searched, event.position)
            }
        }
        guard let end = bytes.firstLineEnd(from: start + event.searched) else {
            event.searched = max(event.searched, bytes.count - start)
            return nil
        }
        skipsLineFeed = bytes[end] == 0x0D
        event.position = end + 1 - start
        event.searched = event.position
        return begin..<end
    }

    private mutating func frame(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> kimi_frame {
        var frame = kimi_frame()
        frame.kind = KIMI_FRAME_SSE.rawValue
        if let name = event.name { frame.name = slice(bytes, name, start) }
        if let first = event.data {
            frame.data =
                event.moreData.isEmpty ? slice(bytes, first, start) : join(bytes, [first] + event.moreData, start)
        }
        return frame
    }

    private func slice(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ start: Int) -> kimi_bytes {
        kimi_bytes(UnsafeRawBufferPointer(rebasing: bytes[(range.lowerBound + start)..<(range.upperBound + start)]))
    }

    /// Several data lines, joined by line feeds. The bytes stay alive in `joined` until the next scan.
    private mutating func join(_ bytes: UnsafeRawBufferPointer, _ lines: [Range<Int>], _ start: Int) -> kimi_bytes {
        var text: [UInt8] = []
        for (number, range) in lines.enumerated() {
            if number > 0 { text.append(0x0A) }
            text.append(contentsOf: bytes[(range.lowerBound + start)..<(range.upperBound + start)])
        }
        joined.append(text)
        // The array's storage is on the heap, is not changed any more, and is kept by `joined`.
        return text.withUnsafeBytes { kimi_bytes($0) }
    }

    private mutating func skipByteOrderMark(_ bytes: UnsafeRawBufferPointer, _ start: inout Int) {
        guard isFirst, bytes.count >= 3 else { return }
        isFirst = false
        if bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF, event.position == 0 {
            start = 3
            event.searched = 0
        }
    }
}

/// Fields of one unfinished event, as ranges relative to its first byte.
private struct EventState {
    var name: Range<Int>?
    /// The first data line, and the rare further ones.
    var data: Range<Int>?
    var moreData: [Range<Int>] = []
    /// Where the next line begins.
    var position = 0
    /// Up to where no line end was found.
    var searched = 0

    var hasData: Bool { data != nil }

    /// A line that is not blank. Comments, `id`, `retry` and unknown fields are left out, as the standard says.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, base: Int) {
        if let value = value(bytes, line, "data") {
            let line = (value.lowerBound - base)..<(value.upperBound - base)
            if data == nil { data = line } else { moreData.append(line) }
        } else if let value = value(bytes, line, "event") {
            name = (value.lowerBound - base)..<(value.upperBound - base)
        }
    }

    private func value(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ field: StaticString) -> Range<Int>? {
        let length = field.utf8CodeUnitCount
        guard line.count >= length else { return nil }
        for offset in 0..<length where bytes[line.lowerBound + offset] != field.utf8Start[offset] { return nil }
        var start = line.lowerBound + length
        if start == line.upperBound { return start..<start }
        guard bytes[start] == 0x3A else { return nil }
        start += 1
        if start < line.upperBound, bytes[start] == 0x20 { start += 1 }
        return start..<line.upperBound
    }
}
