import WireJSON

/// One argument of a K3 call on its way to a member of the call's JSON object.
///
/// A string's value is raw text and leaves as it comes. Any other value is JSON text, which is kept until it is
/// complete, because what is no JSON becomes a string.
struct XTMLArgument {
    enum Form {
        case raw, json
        /// The key was there before: this value is dropped.
        case repeated
    }

    let key: [UInt8]
    /// What the tag says: `string`, `number`, `boolean`, `null`, `object`, `array`, or something else. Nothing is a
    /// string, too: a tool's schema can still make another value of that.
    let type: [UInt8]
    var form: Form
    /// JSON text so far.
    var held: [UInt8] = []
    /// The key was sent.
    var hasBegun = false
    /// Tags opened inside the value and not closed there: arguments, calls, tools. Their ends are quoted, too.
    private var opened = [0, 0, 0]

    init(_ tag: XTMLTag, isRepeated: Bool) {
        key = tag.value(of: "key", "name") ?? []
        type = (tag.value(of: "type") ?? []).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        form = isRepeated ? .repeated : type.isEmpty || type.elementsEqual("string".utf8) ? .raw : .json
    }

    // MARK: - Quoted tags

    /// Takes note of a tag that is text of this value.
    mutating func quote(_ tag: XTMLTag) {
        if tag.token == .open, let level = Self.level(tag) {
            opened[level] += 1
        } else if let closes = tag.closes, closes <= 3, opened[closes - 1] > 0 {
            opened[closes - 1] -= 1
        }
    }

    /// Would this closing tag close something that was opened inside the value?
    func closesQuoted(_ tag: XTMLTag) -> Bool {
        guard let closes = tag.closes, closes <= 3 else { return opened != [0, 0, 0] }
        return opened[closes - 1] > 0
    }

    private static func level(_ tag: XTMLTag) -> Int? {
        switch tag.name {
        case .argument: tag.value(of: "key", "name") == nil ? nil : 0
        case .call: tag.value(of: "tool", "name") == nil ? nil : 1
        case .tools: 2
        default: nil
        }
    }

    // MARK: - The complete value

    /// The value as JSON and what was repaired in it; nil if the text is none.
    func json(_ repairs: RepairSet) -> (text: [UInt8], notes: NoteCounts)? {
        let text = Array(held.trimmed)
        if text.isEmpty { return type.elementsEqual("null".utf8) ? (Array("null".utf8), NoteCounts()) : nil }
        let isString = withJSON(text) { $0.isString }
        let isContainer = type.elementsEqual("object".utf8) || type.elementsEqual("array".utf8)
        if isContainer, isString ?? true, let repaired = Self.container(text, repairs) { return repaired }
        return isString == nil ? nil : (text, NoteCounts())
    }

    /// An object or array with the faults of K2's arguments: in a fence, encoded once more, with raw control
    /// characters in its strings, and so on.
    private static func container(_ text: [UInt8], _ repairs: RepairSet) -> (text: [UInt8], notes: NoteCounts)? {
        var stream = ArgumentStream(repairs: repairs, markers: .nowhere)
        var inner: [UInt8] = []
        text.withUnsafeBytes { bytes in
            var index = 0
            while index < bytes.count, !stream.isComplete {
                let step = stream.next(bytes, from: index)
                inner += bytes.slice(step.range)
                if step.usesScratch { inner += stream.scratch }
                index = step.end
            }
        }
        guard !stream.repairs.contains(.doubleEncoded) || repairs.contains(.nestedEncoding) else { return nil }
        // One member of the arguments, which may be an array, and an empty one.
        var filter = ArgumentFilter(repairs: repairs, schema: nil, root: nil, nesting: 1)
        let result = filter.run(inner + stream.flush())
        guard withJSON(result, { $0.isObject || $0.isArray }) == true else { return nil }
        var notes = filter.notes
        for repair in stream.repairs { notes.add(repair == .doubleEncoded ? .nestedEncoding : repair) }
        return (result, notes)
    }
}

/// The end of an argument's value, as long as it is doubtful whether it is one: a raw string may hold its own end.
///
/// It is real if a tag follows that the grammar allows there, or nothing. If the value itself opened what this closes,
/// all must be closed up to the end of the message.
struct XTMLValueEnd {
    enum Verdict {
        case undecided, real, quoted
    }

    /// Everything from the doubtful tag on.
    private(set) var bytes: [UInt8]
    let tag: XTMLTag
    let tagLength: Int
    private let closesQuoted: Bool
    /// How far the tags seen close.
    private var level: Int

    init(_ tag: XTMLTag, _ spelled: Bytes, closes level: Int, closesQuoted: Bool) {
        self.tag = tag
        self.level = level
        self.closesQuoted = closesQuoted
        tagLength = spelled.count
        bytes = Array(spelled)
    }

    /// Takes a blank; false if there were too many.
    mutating func takeBlank(_ byte: UInt8) -> Bool {
        bytes.append(byte)
        return bytes.count - tagLength < Limits.xtmlBlanks
    }

    /// Takes the next tag.
    mutating func take(_ next: XTMLTag, _ spelled: Bytes) -> Verdict {
        bytes.append(contentsOf: spelled)
        if let closes = next.closes {
            guard closes > level else { return .quoted }
            level = closes
            return !closesQuoted || closes >= 4 ? .real : .undecided
        }
        guard !closesQuoted, next.token == .open else { return .quoted }
        switch next.name {
        case .argument: return level == 1 ? .real : .quoted
        case .call: return level <= 2 ? .real : .quoted
        case .think, .response, .tools: return level <= 3 ? .real : .quoted
        case .message, .none: return .quoted
        }
    }
}
