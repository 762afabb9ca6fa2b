import WireJSON

/// What the transform wants to know of a request, found in one pass over it.
package struct RequestReading {
    /// The `tools` array, copied; empty if there is none.
    package var tools: [UInt8] = []
    /// Does it switch thinking on or off? nil if it does not say.
    package var asksForThought: Bool?
    /// Does it ask for the thoughts of all turns to be kept?
    package private(set) var keepsThoughts = false
    private(set) var history = History()
    private(set) var toolsSpan: Span?
    private(set) var toolChoice: Span?
    /// The members that choose among likely words, by name.
    private(set) var samplers: [StaticString] = []

    /// Does `reasoning_effort` ask for some? Clients send it to every model and not every server heeds `none`, so that
    /// says nothing.
    private var asksForEffort = false

    /// Reads a canonical request. One that is no JSON object tells nothing: to refuse it is the host's business.
    package init(json: UnsafeRawBufferPointer) {
        var cursor = JSONCursor(json)
        guard cursor.enter(UInt8(ascii: "{")) else { return }
        var isFirst = true
        while let key = cursor.nextKey(&isFirst) {
            let name = json.slice(key.inner)
            if name.matches("messages") {
                history.read(&cursor)
            } else if let value = cursor.value() {
                take(name, value, json)
            }
        }
        if cursor.isBroken { self = RequestReading() }
        if asksForThought == nil, asksForEffort { asksForThought = true }
    }

    private init() {}

    private mutating func take(_ name: Bytes, _ value: Span, _ json: Bytes) {
        if name.matches("tools") {
            tools = Array(json.slice(value.range))
            toolsSpan = value
        } else if name.matches("tool_choice") {
            toolChoice = value
        } else if name.matches("thinking") || name.matches("chat_template_kwargs") || name.matches("reasoning") {
            withJSON(Array(json.slice(value.range))) { value in
                asksForThought = Self.thought(value) ?? asksForThought
                if value["keep"]?.string == "all" || value["preserve_thinking"]?.bool == true { keepsThoughts = true }
            }
        } else if let sampler = Self.samplers.first(where: { name.matches($0) }) {
            samplers.append(sampler)
        } else if name.matches("reasoning_effort") {
            let effort = json.slice(value.range)
            asksForEffort = effort.first == UInt8(ascii: "\"") && !effort.matches("\"none\"")
        }
    }

    private static let samplers: [StaticString] = ["temperature", "top_p", "presence_penalty", "frequency_penalty"]

    /// `{"type":"disabled"}` of the official API, `{"thinking":false}` of template arguments, `{"enabled":false}` and
    /// `{"effort":"none"}` of OpenRouter.
    private static func thought(_ value: JSONValue) -> Bool? {
        if let type = value["type"]?.string { return type == "disabled" ? false : true }
        if let effort = value["effort"]?.string { return effort != "none" }
        return value["thinking"]?.bool ?? value["enable_thinking"]?.bool ?? value["enabled"]?.bool
    }
}
