/// Finds what the continuation of a text says again: all of the text, from an upstream that repeats what it was given,
/// and the white space at its end, which upstreams are not told of. A value.
package struct TextOverlap {
    private enum Phase { case echo, space, over }

    private var phase = Phase.over
    /// The text without the white space at its end, and that.
    private var told: ArraySlice<UInt8> = []
    private var space: ArraySlice<UInt8> = []
    private var held: [UInt8] = []

    package init() {}

    /// - Parameter text: what the client has.
    package init(after text: [UInt8]) {
        let end = text.count - Self.spaceBytes(text)
        told = text[..<end]
        space = text[end...]
        phase = told.count >= ResumeLimits.minEchoBytes ? .echo : .space
    }

    /// Bytes of white space at the end of a text.
    package static func spaceBytes(_ text: [UInt8]) -> Int {
        text.reversed().prefix { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }.count
    }

    /// Takes a next piece; returns what is new of it, and of pieces that were held.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard phase == .echo else { return withoutSpace(Array(bytes)) }
        held.append(contentsOf: bytes)
        if held.count < told.count, told.starts(with: held) { return [] }
        let isEcho = held.starts(with: told)
        defer { held = [] }
        phase = .space
        return withoutSpace(isEcho ? Array(held.dropFirst(told.count)) : held)
    }

    /// No text follows: what is held was no repetition.
    package mutating func flush() -> [UInt8] {
        guard phase == .echo else { return [] }
        defer { held = [] }
        phase = .space
        return withoutSpace(held)
    }

    private mutating func withoutSpace(_ bytes: [UInt8]) -> [UInt8] {
        guard phase == .space else { return bytes }
        var rest = bytes[...]
        while let next = space.first, let byte = rest.first {
            guard byte == next else {
                phase = .over
                return Array(rest)
            }
            space.removeFirst()
            rest.removeFirst()
        }
        if space.isEmpty { phase = .over }
        return Array(rest)
    }
}
