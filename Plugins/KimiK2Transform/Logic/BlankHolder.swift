/// Holds the blanks that end a text until it is known whether a marker follows them.
///
/// Text that no marker touches passes byte for byte. Where a marker was taken out, the blanks beside it go too: all
/// of them at the channel's start and end; between two texts those before the marker stay, or else those after it.
struct BlankHolder {
    /// A longer run of blanks is meant to be there and passes whole. Bytes.
    static let limit = 4096

    /// Was a text sent?
    private(set) var hasText = false
    private var held: [UInt8] = []
    /// A marker was taken out since the last text.
    private var atJunction = false
    /// `held` is from before the junction.
    private var holdsEarlier = false
    /// The limit was passed: the rest of this run goes through.
    private var overflowed = false
    /// At this junction one block ends and another begins: unless blanks part them, put an empty line between.
    private var partsBlocks = false

    /// Would a text without a blank at its end pass as it is?
    @inline(__always)
    var isFlowing: Bool { hasText && !atJunction && !overflowed && held.isEmpty }

    /// A marker was taken out here.
    mutating func junction(betweenBlocks: Bool = false) {
        if !hasText { held.removeAll(keepingCapacity: true) }
        if !atJunction {
            atJunction = true
            holdsEarlier = !held.isEmpty
        }
        if betweenBlocks { partsBlocks = true }
        overflowed = false
    }

    /// Takes `bytes` and emits what may go; `emit` gets (bytes, whether they die with the call).
    mutating func text(_ bytes: Bytes, transient: Bool, emit: (Bytes, Bool) -> Void) {
        var first = 0
        if atJunction {
            first = passJunction(bytes, emit)
            if first == bytes.count { return }
        }
        var last = bytes.count
        while last > first, isBlank(bytes[last - 1]) { last -= 1 }
        if last > first {
            release(emit)
            overflowed = false
            hasText = true
            emit(bytes.slice(first..<last), transient)
        }
        hold(bytes.slice(last..<bytes.count), transient, emit)
    }

    /// Are there blanks that only wait for what comes next?
    var isHolding: Bool { !held.isEmpty && !atJunction }

    /// Something that is no part of this channel comes next: what waits is in front of it.
    mutating func pause(emit: (Bytes, Bool) -> Void) {
        if !atJunction { release(emit) }
    }

    /// The channel is over.
    mutating func finish(emit: (Bytes, Bool) -> Void) {
        if atJunction { held.removeAll() }
        release(emit)
    }

    /// Skips the blanks after a marker; at the first text says goodbye to the junction.
    private mutating func passJunction(_ bytes: Bytes, _ emit: (Bytes, Bool) -> Void) -> Int {
        var index = 0
        while index < bytes.count, isBlank(bytes[index]) {
            if hasText, !holdsEarlier, held.count < Self.limit { held.append(bytes[index]) }
            index += 1
        }
        guard index < bytes.count else { return index }
        if hasText, partsBlocks, held.isEmpty { held = [0x0A, 0x0A] }
        atJunction = false
        partsBlocks = false
        return index
    }

    private mutating func hold(_ blanks: Bytes, _ transient: Bool, _ emit: (Bytes, Bool) -> Void) {
        guard !blanks.isEmpty else { return }
        if !overflowed, held.count + blanks.count <= Self.limit {
            held.append(contentsOf: blanks)
            return
        }
        overflowed = true
        release(emit)
        emit(blanks, transient)
    }

    private mutating func release(_ emit: (Bytes, Bool) -> Void) {
        guard !held.isEmpty else { return }
        held.withUnsafeBytes { emit($0, true) }
        held.removeAll(keepingCapacity: true)
    }
}
