import WireJSON

/// What is done to a request on its way up. Each part can also be switched off under `repairs`.
package struct HistoryOptions: Sendable {
    /// When a call's lost thought is replaced by `placeholder`.
    package enum Placeholder: String, Sendable, CaseIterable {
        /// For models known to think, by name, by the request or by earlier thoughts, while thinking is on.
        case auto
        case always, never
    }

    /// What becomes of a `tool_choice` that forces a call while the model thinks.
    package enum ToolChoice: String, Sendable, CaseIterable {
        /// `auto` goes up instead, for models known to think (by name or by the request) and while thinking is on; a
        /// named choice of K3: `required`.
        case auto
        case keep
        /// Always `auto` instead.
        case degrade
        /// Thinking is switched off for this request.
        case noThinking = "no-thinking"
    }

    /// The flavour of JSON Schema that tools are written in.
    package enum Schemas: String, Sendable, CaseIterable {
        /// Only what every server reads alike: `$ref` inlined, `type` moved into the branches of `anyOf`.
        case auto
        /// All that Moonshot's own API asks for, tuples and the number of tools included.
        case moonshot
        case keep
    }

    package var placeholder: Placeholder
    /// The text of the placeholder; some upstreams refuse an empty one.
    package var placeholderText: String
    package var toolChoice: ToolChoice
    package var schemas: Schemas
    /// Tools beyond this number are left out, and it is said; 0: no bound. Only for `schemas: moonshot`.
    package var maxTools: Int
    /// Are temperature, top_p and penalties left out? Moonshot's API refuses all values but its own.
    package var dropsSamplers: Bool

    package init(
        placeholder: Placeholder = .auto, placeholderText: String = " ", toolChoice: ToolChoice = .auto,
        schemas: Schemas = .auto, maxTools: Int = 128, dropsSamplers: Bool = false
    ) {
        self.placeholder = placeholder
        self.placeholderText = placeholderText
        self.toolChoice = toolChoice
        self.schemas = schemas
        self.maxTools = maxTools
        self.dropsSamplers = dropsSamplers
    }

    init(_ root: JSONValue) {
        self.init(
            placeholder: root["reasoningPlaceholder"]?.string.flatMap(Placeholder.init(rawValue:)) ?? .auto,
            placeholderText: root["placeholderText"]?.string ?? " ",
            toolChoice: root["toolChoice"]?.string.flatMap(ToolChoice.init(rawValue:)) ?? .auto,
            schemas: root["schemas"]?.string.flatMap(Schemas.init(rawValue:)) ?? .auto,
            maxTools: root["maxTools"]?.int.map { Int($0) } ?? 128,
            dropsSamplers: root["samplers"]?.string == "drop")
    }
}
