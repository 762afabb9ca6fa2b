/// What the transform changes, one word each: the switches of the configuration (`repairs`), and the kinds of its
/// counters in the request's log row and in `/metrics`.
package enum Repair: Int, CaseIterable, Sendable {
    // The shape of the reply.
    /// Calls written as text, in the markup of the family, become calls.
    case inlineCalls
    /// The same in other markup: `<tool_call>{…}`, `<invoke>`, `<function=…>`.
    case foreignCalls
    /// Broken-off keywords such as `<tool_call>Web` without a call.
    case leftovers
    /// Orphaned markers, role headers, `<|im_end|>`.
    case markers
    /// Thought and answer parted by tags in the text.
    case thinking
    /// `(no content)` at the start.
    case noContent
    /// One call that came twice, as text and structured.
    case duplicates
    /// Two calls that came as one.
    case splitCalls
    /// Ids missing or given twice.
    case ids
    /// A finish reason that does not fit what came.
    case finishReason

    // Names.
    /// A declared tool's name, spelled otherwise.
    case names
    /// No name at all: told by the arguments.
    case inferredNames

    // Arguments.
    case emptyArguments
    /// JSON encoded once more as a string.
    case doubleEncoded
    /// The same with one member, where the schema wants an array or object.
    case nestedEncoding
    case fenced
    /// Raw control characters in strings.
    case controlCharacters
    /// Trailing commas, `True`, `None`, single quotes.
    case jsonSyntax
    /// A string where the schema wants a number, boolean or null.
    case coercion
    /// Brackets left open at the call's end.
    case unclosed
    /// Text behind the arguments.
    case trailingGarbage

    // The request.
    /// Ids of calls and results: `functions.NAME:N`.
    case historyIDs
    /// Lost thoughts put back.
    case historyReasoning
    /// A placeholder for a thought that is lost for good.
    case historyPlaceholder
    /// Markup in old answers turned into calls and thoughts.
    case historyMarkup
    /// Empty texts beside calls, lists of nothing but text.
    case historyText
    case toolChoice
    case toolSchemas
    /// Samplers that the upstream pins.
    case samplers
}

extension Repair {
    /// Its word in configuration, log and metrics.
    package var word: String {
        switch self {
        case .inlineCalls: "inline_calls"
        case .foreignCalls: "foreign_calls"
        case .leftovers: "leftovers"
        case .markers: "markers"
        case .thinking: "thinking"
        case .noContent: "no_content"
        case .duplicates: "duplicates"
        case .splitCalls: "split_calls"
        case .ids: "ids"
        case .finishReason: "finish_reason"
        case .names: "names"
        case .inferredNames: "inferred_names"
        case .emptyArguments: "empty_arguments"
        case .doubleEncoded: "double_encoded"
        case .nestedEncoding: "nested_encoding"
        case .fenced: "fenced"
        case .controlCharacters: "control_characters"
        case .jsonSyntax: "json_syntax"
        case .coercion: "coercion"
        case .unclosed: "unclosed"
        case .trailingGarbage: "trailing_garbage"
        case .historyIDs: "history_ids"
        case .historyReasoning: "history_reasoning"
        case .historyPlaceholder: "history_placeholder"
        case .historyMarkup: "history_markup"
        case .historyText: "history_text"
        case .toolChoice: "tool_choice"
        case .toolSchemas: "tool_schemas"
        case .samplers: "samplers"
        }
    }

    package init?(word: String) {
        guard let found = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = found
    }
}

/// What the transform saw and left alone, counted beside the repairs.
package enum Flag: String, CaseIterable, Sendable {
    /// Arguments that are no JSON and have no one right reading.
    case invalidArguments = "invalid_arguments"
    /// Arguments that the tool's schema does not allow.
    case schemaMismatch = "schema_mismatch"
    /// A call of a tool that the request does not declare.
    case undeclaredTool = "undeclared_tool"
    /// A call cut off by the end of the reply.
    case cutCall = "cut_call"
    /// Markup of a call without a name that could be told.
    case droppedCall = "dropped_call"
    /// A bound was reached and what was held went out as it was.
    case limit
    /// A tool result whose call is not in the history.
    case orphanResult = "orphan_result"
    /// A tool's schema that could not be written in the upstream's flavour.
    case schemaLossy = "schema_lossy"
}

/// The repairs that are switched on.
package struct RepairSet: Sendable, Equatable {
    private var bits: UInt64

    package static let all = RepairSet(bits: .max)

    private init(bits: UInt64) { self.bits = bits }

    /// Is this repair switched on?
    @inline(__always)
    package func contains(_ repair: Repair) -> Bool { bits & Self.bit(repair) != 0 }

    package mutating func remove(_ repair: Repair) { bits &= ~Self.bit(repair) }

    package mutating func insert(_ repair: Repair) { bits |= Self.bit(repair) }

    @inline(__always)
    private static func bit(_ repair: Repair) -> UInt64 { 1 << UInt64(repair.rawValue) }
}

/// How often each repair was made and each flag raised since the last report. Costs nothing while there were none.
package struct NoteCounts: Sendable {
    /// In order of first appearance; a handful at most.
    private var entries: [(kind: String, count: Int)] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    package mutating func add(_ repair: Repair, _ count: Int = 1) { add(repair.word, count) }
    package mutating func add(_ flag: Flag, _ count: Int = 1) { add(flag.rawValue, count) }

    package mutating func add(_ other: NoteCounts) {
        for entry in other.entries { add(entry.kind, entry.count) }
    }

    /// Takes all counts out: (kind, how often).
    package mutating func drain() -> [(kind: String, count: Int)] {
        defer { entries = [] }
        return entries
    }

    private mutating func add(_ kind: String, _ count: Int) {
        guard count > 0 else { return }
        if let at = entries.firstIndex(where: { $0.kind == kind }) {
            entries[at].count += count
        } else {
            entries.append((kind, count))
        }
    }
}
