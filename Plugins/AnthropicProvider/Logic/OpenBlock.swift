internal import WireJSON

/// The content block that is being told.
struct OpenBlock {
    enum Kind {
        case text, thinking, call
        /// A block that goes on in one piece, once its input is complete.
        case whole
        /// A block that nobody has a use for.
        case ignored
    }

    let kind: Kind
    /// The upstream's number of it; -1 where it is not said.
    let index: Int64
    /// Of a thought.
    var signature: [UInt8] = []
    /// A thought's text, for clients that get it once more, with its signature; nil if they do not.
    var thought: ByteWriter?
    /// A call's input as the block's beginning had it, or the block itself.
    var json: [UInt8] = []
    /// Has a piece of the input come?
    var hasInput = false
    /// Pieces of a whole block's input.
    var input = ByteWriter(capacity: 16)
    /// Where a text begins in the message, in characters.
    var start: Int64 = 0
    /// Sources of a text.
    var citations: [Citation] = []

    /// What a block keeps until its end; more is dropped.
    static let maxKept = 8 << 20

    init(_ kind: Kind, index: Int64) {
        self.kind = kind
        self.index = index
    }
}

/// A web page that a text refers to.
struct Citation {
    let url: [UInt8]
    let title: [UInt8]
}

/// Members of a Chat message that come at its end, whole: a client takes the last one of each name.
struct GatheredMembers {
    /// Signed and hidden thoughts, as blocks.
    private(set) var thoughts = BlockList()
    private(set) var annotations = BlockList()

    /// Thoughts longer than this are not sent twice.
    private static let maxBytes = 8 << 20

    var hasRoom: Bool { thoughts.out.count + annotations.out.count < Self.maxBytes }

    func thought(_ json: UnsafeRawBufferPointer) { thoughts.next().append(bytes: json) }

    /// A signed thought.
    func thought(_ text: ByteWriter, signature: [UInt8]) {
        let out = thoughts.next()
        out.append(#"{"type":"thinking","thinking":"#)
        out.appendJSONString(text.unsafeBytes)
        out.append(#","signature":"#)
        signature.withUnsafeBytes { out.appendJSONString($0) }
        out.append("}")
    }
}
