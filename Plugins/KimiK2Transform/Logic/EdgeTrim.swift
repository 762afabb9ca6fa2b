/// The edges of one outgoing text channel: blanks beside markers, and `(no content)` at the start.
///
/// Some servers fill an empty answer with `(no content)`, once or repeated. It is taken out only where nothing was
/// sent before it; in the middle of a sentence it is somebody's words.
struct EdgeTrim {
    private static let placeholder: StaticString = "(no content)"

    private var blanks = BlankHolder()
    /// Blanks and then `matched` bytes of the placeholder, while nothing was sent.
    private var held: [UInt8] = []
    private var matched = 0
    private let dropsPlaceholder: Bool
    /// Placeholders taken out.
    private(set) var dropped = 0

    init(dropsPlaceholder: Bool) { self.dropsPlaceholder = dropsPlaceholder }

    /// Was a text sent?
    var hasText: Bool { blanks.hasText }

    /// Would a text without a blank at its end pass as it is?
    @inline(__always)
    var isFlowing: Bool { blanks.isFlowing }

    /// A marker was taken out here; `betweenBlocks`: one block of text ends and another begins.
    mutating func junction(betweenBlocks: Bool = false, emit: (Bytes, Bool) -> Void) {
        releaseStart(emit)
        blanks.junction(betweenBlocks: betweenBlocks)
    }

    /// Takes `bytes` and emits what may go; `emit` gets (bytes, whether they die with the call).
    mutating func text(_ bytes: Bytes, transient: Bool, emit: (Bytes, Bool) -> Void) {
        var first = 0
        if dropsPlaceholder, !blanks.hasText {
            first = matchStart(bytes)
            if first == bytes.count { return }
            releaseStart(emit)
        }
        blanks.text(bytes.slice(first..<bytes.count), transient: transient, emit: emit)
    }

    var isHolding: Bool { blanks.isHolding }

    /// Something that is no part of this channel comes next: what waits is in front of it.
    mutating func pause(emit: (Bytes, Bool) -> Void) { blanks.pause(emit: emit) }

    /// The channel is over.
    mutating func finish(emit: (Bytes, Bool) -> Void) {
        releaseStart(emit)
        blanks.finish(emit: emit)
    }

    /// Eats blanks and placeholders; returns the index where something else begins, or the end.
    private mutating func matchStart(_ bytes: Bytes) -> Int {
        for (index, byte) in bytes.enumerated() {
            if matched == 0, isBlank(byte), held.count < BlankHolder.limit {
                held.append(byte)
            } else if byte == Self.placeholder.utf8Start[matched] {
                held.append(byte)
                matched += 1
                if matched == Self.placeholder.utf8CodeUnitCount { dropPlaceholder() }
            } else {
                return index
            }
        }
        return bytes.count
    }

    private mutating func dropPlaceholder() {
        held.removeAll(keepingCapacity: true)
        matched = 0
        dropped += 1
        blanks.junction()
    }

    private mutating func releaseStart(_ emit: (Bytes, Bool) -> Void) {
        guard !held.isEmpty else { return }
        let start = held
        held = []
        matched = 0
        start.withUnsafeBytes { blanks.text($0, transient: true, emit: emit) }
    }
}
