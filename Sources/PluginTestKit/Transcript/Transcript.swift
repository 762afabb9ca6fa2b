package import JSONSchema
package import PluginABI

/// One recorded exchange, or one written by hand: what a plugin is given, and what it must make of it.
///
/// docs/plugins/testing.md has the file format. A value; made by ``TranscriptReader``.
package struct Transcript: Sendable {
    package enum Kind: String, Sendable { case provider, transform }

    /// The file, for messages.
    package var file: String
    package var name: String
    package var kind: Kind
    /// The instance's configuration; an empty object where the file says nothing.
    package var config: ConfigNode
    package var request: RequestInput
    /// Providers: what the plan asks for, in order, and what it gets.
    package var steps: [Step] = []
    /// Transforms: what comes from below.
    package var eventsIn: [Event] = []
    /// What must come out, each with only the members that were written; nil: not compared.
    package var events: [EventPattern]?
    /// Transforms: the request that must go up.
    package var requestOut: RequestOut?
    /// The failure that must come; nil: none may come.
    package var failure: ExpectedFailure?
    /// How the body ends.
    package var why = KIMI_WHY_END

    package enum RequestOut: Sendable {
        case unchanged
        /// Compared as a value.
        case json(ConfigNode)
        /// Compared byte by byte.
        case text([UInt8])
    }
}

/// What begin gets.
package struct RequestInput: Sendable {
    package var json: [UInt8]
    package var model: String
    package var dialect = "openai.chat"
    package var conversation = ""
    package var isStream = true
    package var isNative = false
    package var attempt: UInt64 = 1
}

/// One step of a plan with the host's answer to it.
package struct Step: Sendable {
    package var expected: ExpectedStep
    package var answer: Answer
    package var mark: Mark?
}

/// What a step must say; nil members are not compared.
package struct ExpectedStep: Sendable {
    package var kind: kimi_step
    package var method: String?
    package var url: String?
    /// Exactly these, names without regard to case.
    package var headers: [(name: String, value: String)]?
    package var secretHeaders: [(name: String, value: String)]?
    package var body: ConfigNode?
    package var bodyBytes: [UInt8]?
    /// token: key; sign: key, alg, data.
    package var fields: [(field: kimi_field, value: String)] = []
    /// wait, local-reply: milliseconds.
    package var argument: UInt64?

    package init(kind: kimi_step) { self.kind = kind }
}

/// What a step comes back with.
package struct Answer: Sendable {
    package var status: UInt32 = 200
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8] = []
    /// The host could not: its sentence. Side steps get it in a result, for SEND there is no result at all (S08).
    package var failure: String?

    package init() {}

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }
}

/// A failure that a transcript asks for.
package struct ExpectedFailure: Sendable {
    /// begin, next, result, feed, flush; nil: any.
    package var function: String?
    package var category: Int64?
    /// Words that its message has in it.
    package var message: String?
}
