/// Where every value of a JSON text is, found in one linear pass, so that a text can be taken apart in any order and
/// its pieces copied byte for byte.
///
/// The grammar is checked (UTF-8 is not: parse the text first if it comes from outside). The text is borrowed: it must
/// outlive the outline, and the outline every ``JSONSpan`` taken from it.
public final class JSONOutline {
    /// 16 bytes: positions count from the start of the text, `next` is the index of the node after this value.
    @usableFromInline
    struct Node {
        @usableFromInline var start: UInt32
        @usableFromInline var end: UInt32
        @usableFromInline var next: UInt32
        @usableFromInline var kind: JSONKind
        @usableFromInline var isEscaped: Bool
    }

    private let text: UnsafeRawBufferPointer
    private var nodes: UnsafeMutablePointer<Node>
    private var capacity: Int
    private var count = 0

    /// - Parameter text: one JSON value of less than 4 GB; an empty one is not JSON.
    public init(_ text: UnsafeRawBufferPointer) throws(JSONError) {
        guard text.count < Int(UInt32.max) else {
            throw JSONError(.tooLong, "The JSON text has \(text.count) bytes; the limit is 4 GB.")
        }
        self.text = text
        capacity = max(64, text.count / 64)
        nodes = .allocate(capacity: capacity)
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        try value(&scanner, depth: 0)
        try scanner.expectEnd()
    }

    deinit {
        nodes.deallocate()
    }

    /// The whole text's value.
    public var root: JSONSpan {
        // A text of no bytes is refused by `init`; the fallback is never read.
        JSONSpan(nodes: nodes, base: text.baseAddress ?? UnsafeRawPointer(nodes), index: 0)
    }

    private func value(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) {
        let index = add(scanner.position)
        switch scanner.current {
        case UInt8(ascii: "{"): try object(&scanner, depth: depth + 1, index)
        case UInt8(ascii: "["): try array(&scanner, depth: depth + 1, index)
        case UInt8(ascii: "\""):
            nodes[index].isEscaped = try scanner.skipString()
            nodes[index].kind = .string
        default: nodes[index].kind = try scanner.skipValue(depth: depth)
        }
        close(index, scanner.position)
    }

    private func object(_ scanner: inout JSONScanner, depth: Int, _ index: Int) throws(JSONError) {
        nodes[index].kind = .object
        try scanner.enter(depth)
        guard !scanner.closes(UInt8(ascii: "}")) else { return }
        repeat {
            let key = add(scanner.position)
            nodes[key].isEscaped = try scanner.skipString()
            nodes[key].kind = .string
            close(key, scanner.position)
            try scanner.colon()
            try value(&scanner, depth: depth)
        } while try !scanner.endsList(UInt8(ascii: "}"))
    }

    private func array(_ scanner: inout JSONScanner, depth: Int, _ index: Int) throws(JSONError) {
        nodes[index].kind = .array
        try scanner.enter(depth)
        guard !scanner.closes(UInt8(ascii: "]")) else { return }
        repeat { try value(&scanner, depth: depth) } while try !scanner.endsList(UInt8(ascii: "]"))
    }

    private func add(_ start: Int) -> Int {
        if count == capacity { grow() }
        (nodes + count).initialize(to: Node(start: UInt32(start), end: 0, next: 0, kind: .null, isEscaped: false))
        count += 1
        return count - 1
    }

    private func close(_ index: Int, _ end: Int) {
        nodes[index].end = UInt32(end)
        nodes[index].next = UInt32(count)
    }

    private func grow() {
        let grown = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
        grown.moveInitialize(from: nodes, count: count)
        nodes.deallocate()
        nodes = grown
        capacity *= 2
    }
}
