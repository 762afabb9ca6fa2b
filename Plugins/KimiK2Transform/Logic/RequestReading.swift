import WireJSON

/// What the transform wants to know of a request.
package struct RequestReading {
    /// The `tools` array, copied; empty if there is none.
    package var tools: [UInt8] = []
    /// Does it switch thinking on or off? nil if it does not say.
    package var asksForThought: Bool?

    /// Reads a canonical request. One that is no JSON object tells nothing: to refuse it is the host's business.
    package init(json: UnsafeRawBufferPointer) {
        guard let members = try? JSONSpans.members(of: json) else { return }
        for member in members {
            let value = json[member.valueRange]
            switch member.key {
            case "tools": tools = Array(value)
            case "thinking", "chat_template_kwargs", "reasoning":
                asksForThought = withJSON(Array(value), Self.thought) ?? asksForThought
            default: break
            }
        }
    }

    /// `{"type":"disabled"}` of the official API, `{"thinking":false}` of template arguments, `{"enabled":false}` and
    /// `{"effort":"none"}` of OpenRouter.
    private static func thought(_ value: JSONValue) -> Bool? {
        if let type = value["type"]?.string { return type == "disabled" ? false : true }
        if let effort = value["effort"]?.string { return effort != "none" }
        return value["thinking"]?.bool ?? value["enable_thinking"]?.bool ?? value["enabled"]?.bool
    }
}
