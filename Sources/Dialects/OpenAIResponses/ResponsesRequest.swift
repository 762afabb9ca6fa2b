/// What becomes of tools and items that only OpenAI's own servers can run (web_search, file_search, mcp, ...).
package enum HostedTools: Sendable {
    /// They are left out and listed in `DecodedRequest.dropped`.
    case strip
    /// The request is refused with an error that names the first of them.
    case refuse
}

/// How a body of `POST /v1/responses` is decoded.
package struct ResponsesOptions: Sendable {
    package var hosted: HostedTools

    package init(hosted: HostedTools = .strip) {
        self.hosted = hosted
    }
}

/// What earlier responses contribute to a request; the host reads it from its store (see `ResponsesLookups`).
package struct ResponsesHistory: Sendable {
    /// A JSON array: input and output items of the response that `previous_response_id` names. Empty: none.
    package var items: [UInt8]
    /// Items that `item_reference`s name, by id: one JSON object each.
    package var referenced: [String: [UInt8]]

    package init(items: [UInt8] = [], referenced: [String: [UInt8]] = [:]) {
        self.items = items
        self.referenced = referenced
    }
}

/// A decoded `POST /v1/responses`.
package struct ResponsesRequest: Sendable {
    package var request: DecodedRequest
    /// What the encoder of the reply needs to know of the request.
    package var context: ResponsesContext
    /// `store`, true when absent: shall the response be kept for GET and `previous_response_id`?
    package var store: Bool
    package var previousResponseID: String?
    /// A JSON array of all input items, those of the history first; empty unless `store`. For `StoredResponse`.
    package var items: [UInt8]
}

/// What an encoder must know of the request: which functions are tools of another kind, and what is echoed.
package struct ResponsesContext: Sendable {
    package var tools = ResponsesToolTable()
    /// The model as the client names it, for replies that end before the upstream named one.
    package var model = ""
    /// `"name":value,...` of the parameters that a response repeats; `tools` and `instructions` apart.
    package var echo: [UInt8] = []
    /// `"instructions":...,"tools":[...]`: long, so only the last event of a stream has them as they were sent.
    package var longEcho: [UInt8] = []
    /// `service_tier` as it was asked for, JSON; empty: not. The upstream's own takes its place.
    package var serviceTier: [UInt8] = []
    package var reasoning = ReasoningForm.content
    /// `include` has `reasoning.encrypted_content`: every reasoning item carries its envelope.
    package var wantsEncryptedReasoning = false
    /// `include` has `message.output_text.logprobs`.
    package var wantsLogprobs = false

    package init() {}
}

/// In which member of a reasoning item the reasoning's text stands.
package enum ReasoningForm: Sendable {
    /// `content`, as `reasoning_text`: what it is, the model's own reasoning.
    case content
    /// `summary`, as `summary_text`: for clients that ask for `reasoning.summary`, which show nothing else.
    case summary
}
