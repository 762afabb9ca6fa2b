import CanonicalModel
package import PluginABI

/// Cuts newline-delimited JSON into lines, at any cut of its bytes. Blank lines are left out.
package struct LineFramer {
    /// Bytes of one unfinished line that are kept; more is a failure.
    package static let maxLineBytes = 16 << 20

    private var carry: [UInt8] = []
    private var searched = 0

    package init() {}

    /// Takes the next bytes and calls `body` once if they completed any line. False when one grew over the limit.
    package mutating func push<Failure: Error>(
        _ chunk: [UInt8], _ body: (UnsafeBufferPointer<kimi_frame>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        carry.append(contentsOf: chunk)
        var consumed = 0
        var from = searched
        let whole = carry
        try whole.withBytes { bytes throws(Failure) in
            var frames: [kimi_frame] = []
            while let end = bytes.firstIndex(of: 0x0A, from: from, to: bytes.count) {
                Self.append(bytes, consumed..<end, to: &frames)
                consumed = end + 1
                from = consumed
            }
            if !frames.isEmpty { try frames.withUnsafeBufferPointer { pointer throws(Failure) in try body(pointer) } }
        }
        carry.removeFirst(consumed)
        searched = carry.count
        return carry.count <= Self.maxLineBytes
    }

    /// The stream is over: a last line may lack its end.
    package mutating func finish<Failure: Error>(
        _ body: (UnsafeBufferPointer<kimi_frame>) throws(Failure) -> Void
    ) throws(Failure) {
        if !carry.isEmpty { _ = try push([0x0A], body) }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, to frames: inout [kimi_frame]) {
        var line = range
        if !line.isEmpty, bytes[line.upperBound - 1] == 0x0D { line = line.lowerBound..<(line.upperBound - 1) }
        guard !line.isEmpty else { return }
        var frame = kimi_frame()
        frame.kind = KIMI_FRAME_LINE.rawValue
        frame.data = kimi_bytes(UnsafeRawBufferPointer(rebasing: bytes[line]))
        frames.append(frame)
    }
}
