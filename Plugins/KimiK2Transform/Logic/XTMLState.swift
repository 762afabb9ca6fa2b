/// How much of K3's markup counts.
enum XTMLReading {
    /// The model is known to be another.
    case off
    /// The model is not known: a whole tag of K3's tells.
    case possible
    /// The model is K3, but its server may have parsed everything.
    case expected
    /// K3's markup was met: all other markup is text.
    case seen

    /// Are lone tokens and broken tags leftovers, not somebody's text?
    var isKnown: Bool { self == .expected || self == .seen }
}

/// What reading K3's markup needs to remember.
struct XTMLState {
    var reading: XTMLReading
    /// A tag that has begun.
    var tag: XTMLTagReader?
    /// Inside `tools`.
    var inTools = false
    /// The calls began inside an open thought.
    var endedThought = false
    /// The reasoning field holds the answer: it says so itself.
    var answersInReasoning = false
    /// Keys of the open call's arguments.
    var keys: Set<[UInt8]> = []
    /// Members of its JSON object that were begun.
    var members = 0
    /// The argument whose value is being read.
    var argument: XTMLArgument?
    var end: XTMLValueEnd?

    init(family: ModelFamily?) {
        reading =
            switch family {
            case .k3: .expected
            case nil: .possible
            default: .off
            }
    }
}
