/// Follows the JSON of one call's arguments, piece by piece, and repairs what has one right reading.
///
/// It passes what it is given on as it is, but for: raw control characters in strings; commas before closing
/// brackets and Python's spellings, if the whole becomes JSON by that; scalars and encoded members of a kind that the
/// tool's schema excludes. It holds only what such a decision needs, within `Limits`. From the first byte on that
/// cannot belong to JSON everything passes as it came.
///
/// Feed it with `next` until all is used, then call `finish` once.
package struct ArgumentFilter {
    /// Bytes to pass on: `scratch` and the bytes of `range`, in the order told; then go on at `end`.
    struct Step {
        var end: Int
        var range: Range<Int>
        var usesScratch = false
        var scratchIsFirst = false
    }

    enum Mode { case strict, loose, plain }

    /// Where in the grammar the next byte stands.
    enum Spot { case value, firstElement, firstKey, key, colon, after, string, keyString, word, number, end }

    /// Why bytes are held.
    enum Hold { case none, comma, string, number, emptyList }

    /// What the schema says of an array or object that is open.
    struct Scope {
        var place: ParameterSchema.Place?
        /// What is asked of the elements, for arrays.
        var element: ParameterSchema.Place?
        /// Members that must be there; one bit for each of the first 64 that has not come yet.
        var required: [[UInt8]] = []
        var missing: UInt64 = 0
    }

    var repairs: RepairSet
    let schema: ParameterSchema?
    /// What the whole value must be.
    let root: ParameterSchema.Place?
    /// How many encoded strings this value is inside of; 0: the arguments themselves.
    let nesting: Int

    var mode = Mode.strict
    var spot = Spot.value
    /// For each array or object that is open: is it an object?
    var open: [Bool] = []
    /// The innermost of them; false outside.
    var inObject = false
    /// The same with what the schema says of them; empty without a schema.
    var scopes: [Scope] = []
    /// What is asked of the next value.
    var place: ParameterSchema.Place?
    var number = NumberScan()
    /// What is left of `true`, `false` or `null`.
    var word: StaticString = "true"
    var wordIndex = 0
    /// In a string: 1 after a backslash, then the number of hexadecimal digits to come plus 1.
    var escape = 0
    /// The spelling of the member's name, if the schema asks for it.
    var name: [UInt8] = []
    var wantsName = false

    var hold = Hold.none
    /// Held bytes of earlier pieces.
    var held: [UInt8] = []
    var holdsControls = false
    /// Where in the present piece the bytes begin that are not passed on yet, and those that are held.
    var from = 0
    var mark = 0
    var step: Step?
    var scratch: [UInt8] = []

    /// The kind of the whole value, once it began.
    var kind: ValueKinds = []
    var isFaulty = false
    /// Nested too deeply to be judged.
    var isUnjudged = false
    var mismatches = false
    var escapesControls = false
    package var notes = NoteCounts()

    /// `schema`: of the tool's parameters; nil if it is not known.
    package init(repairs: RepairSet, schema: ParameterSchema?) {
        self.init(repairs: repairs, schema: schema, root: schema?.root, nesting: 0)
    }

    init(repairs: RepairSet, schema: ParameterSchema?, root: ParameterSchema.Place?, nesting: Int) {
        self.repairs = repairs
        self.schema = schema
        self.root = root
        self.nesting = nesting
        place = root
    }

    /// Is what was passed on one whole JSON value?
    var isWhole: Bool { spot == .end && mode == .strict && !isFaulty }
    package var isObject: Bool { isWhole && kind == .object }
    var isHolding: Bool { hold != .none || !held.isEmpty }

    // MARK: - Feeding

    /// Works on `bytes` from `start` on.
    mutating func next(_ bytes: Bytes, from start: Int) -> Step {
        from = start
        mark = start
        switch mode {
        case .plain: return Step(end: bytes.count, range: start..<bytes.count)
        case .loose: return holdRest(bytes)
        case .strict: break
        }
        var index = start
        while index < bytes.count {
            index = advance(bytes, index)
            if let made = step {
                step = nil
                return made
            }
        }
        return pause(bytes)
    }

    @inline(__always)
    private mutating func advance(_ bytes: Bytes, _ index: Int) -> Int {
        switch spot {
        case .string, .keyString: text(bytes, index)
        case .number: digits(bytes, index)
        case .word: letters(bytes, index)
        default: structure(bytes, index)
        }
    }

    /// The end of a piece: what is held goes to `held`.
    private mutating func pause(_ bytes: Bytes) -> Step {
        if mode == .loose { return holdRest(bytes) }
        guard hold != .none else { return Step(end: bytes.count, range: from..<bytes.count) }
        held.append(contentsOf: bytes[mark...])
        let passed = from..<mark
        if isHopeless {
            giveUpHold(at: bytes.count, passed)
            if let made = step {
                step = nil
                return made
            }
        }
        return Step(end: bytes.count, range: passed)
    }
}
