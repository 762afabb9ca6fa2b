internal import PluginKit
internal import WireJSON

/// The members besides messages and tools.
extension RequestWriter {
    mutating func parameters(_ choice: Choice) throws(PluginFailure) {
        let asked = try maxTokens()
        let thinking = self.thinking(asked ?? options.maxTokens ?? traits.defaultMaxTokens, isForced: choice.isForced)
        name("max_tokens")
        let least = thinking.budget > 0 ? thinking.budget + Thinking.room : 0
        out.append(int: asked ?? max(options.maxTokens ?? traits.defaultMaxTokens, least))
        if let json = thinking.json {
            name("thinking")
            out.append(bytes: json)
        }
        outputConfig(effort: thinking.effort)
        samplers(isThinking: thinking.isOn)
        stop()
        identity()
        cacheControl()
        rest()
    }

    private func maxTokens() throws(PluginFailure) -> Int64? {
        for name: StaticString in ["max_completion_tokens", "max_tokens"] {
            guard let value = root.some(name) else { continue }
            guard let count = value.integer, count >= 0 else { throw .unsupported("\(name): must be a whole number.") }
            return count
        }
        return nil
    }

    // MARK: Samplers

    private mutating func samplers(isThinking: Bool) {
        let temperature = root.some("temperature")
        for name: StaticString in ["temperature", "top_p", "top_k"] {
            guard let value = root.some(name) else { continue }
            let isTemperature = name.description == "temperature"
            if !traits.takesSamplers {
                // What is said is what the model does anyway.
                if value.number != 1 || name.description == "top_k" {
                    losses.add(name.description, "the model has no such setting")
                }
            } else if isThinking, traits.isClaude, !goesWithThinking(name.description, value) {
                losses.add(name.description, "it cannot be set while the model thinks")
            } else if name.description == "top_p", temperature != nil, !traits.takesBothSamplers {
                losses.add("top_p", "the model takes temperature or top_p, not both")
            } else if isTemperature, traits.isClaude, let number = value.number, number > 1 {
                self.name(name)
                out.append("1")
                losses.add("temperature", "the upstream's highest is 1", .adjusted)
            } else {
                self.name(name)
                out.append(bytes: value.raw)
            }
        }
    }

    private func goesWithThinking(_ name: String, _ value: JSONSpan) -> Bool {
        guard let number = value.number else { return true }
        return name == "temperature" ? number == 1 : name == "top_p" && (0.95...1).contains(number)
    }

    // MARK: Output

    /// `output_config`: the client's own members, if it knows the API, then effort and format.
    private mutating func outputConfig(effort: String?) {
        let members = ByteWriter(capacity: 64)
        func begin(_ name: UnsafeRawBufferPointer) {
            if members.count > 0 { members.append(",") }
            members.append(bytes: name)
            members.append(":")
        }
        let own = root.some("output_config")
        if let own {
            for (key, value) in own.members {
                begin(key.raw)
                members.append(bytes: value.raw)
            }
        }
        if let effort, own?.some("effort") == nil {
            members.append(members.count > 0 ? #","effort":"# : #""effort":"#)
            members.appendJSONString(effort)
        }
        if own?.some("format") == nil { format(to: members) }
        guard members.count > 0 else { return }
        name("output_config")
        out.append("{")
        out.append(bytes: members.unsafeBytes)
        out.append("}")
    }

    private mutating func format(to members: ByteWriter) {
        guard let format = root.some("response_format"), format["type"]?.matches("text") != true else { return }
        guard traits.takesSchemas, let schema = format["json_schema"]?.some("schema") else {
            let reason: StaticString =
                format["type"]?.matches("json_schema") == true
                ? "the model takes no schema for its answer" : "the upstream has JSON with a schema only"
            return losses.add("response_format", reason)
        }
        members.append(members.count > 0 ? "," : "")
        members.append(#""format":{"type":"json_schema","schema":"#)
        members.append(bytes: schema.raw)
        members.append("}")
    }

    // MARK: Stop, identity, cache

    private mutating func stop() {
        guard let stop = root.some("stop") else { return }
        let list = BlockList()
        for word in stop.kind == .string ? [stop] : Array(stop.elements) where word.kind == .string {
            if word.decoded.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) {
                losses.add("stop", "the upstream refuses stop sequences of nothing but white space")
            } else {
                list.next().append(bytes: word.raw)
            }
        }
        guard !list.isEmpty else { return }
        name("stop_sequences")
        out.append("[")
        out.append(bytes: list.out.unsafeBytes)
        out.append("]")
    }

    private mutating func identity() {
        let metadata = root.some("metadata")
        let user = root.text("user") ?? root.text("safety_identifier") ?? metadata?.text("user_id")
        if let user {
            name("metadata")
            out.append(#"{"user_id":"#)
            out.append(bytes: user.raw)
            out.append("}")
        }
        if let metadata, metadata.members.contains(where: { !$0.key.matches("user_id") }) {
            losses.add("metadata", "the upstream knows user_id only")
        }
        guard let tier = root.text("service_tier") else { return }
        if tier.matches("auto") {
            out.append(#","service_tier":"auto""#)
        } else if tier.matches("default") || tier.matches("standard_only") {
            out.append(#","service_tier":"standard_only""#)
        } else {
            losses.add("service_tier", "the upstream has the tiers auto and default")
        }
    }

    private func cacheControl() {
        if let own = root.some("cache_control") {
            name("cache_control")
            out.append(bytes: own.raw)
        } else if options.cacheControl.utf8CodeUnitCount > 0 {
            name("cache_control")
            out.append(options.cacheControl)
        }
    }

    // MARK: The rest

    /// The API refuses members that it does not know, so none but its own ride along.
    private mutating func rest() {
        for (key, value) in root.members {
            if Self.handled.contains(where: { key.matches($0) }) { continue }
            if Self.own.contains(where: { key.matches($0) }) {
                guard value.kind != .null else { continue }
                out.append(",")
                out.append(bytes: key.raw)
                out.append(":")
                out.append(bytes: value.raw)
            } else if !value.saysNothing, !Self.isDefault(key, value) {
                losses.add("", member: key.decoded, "the upstream has no such member")
            }
        }
    }

    private static func isDefault(_ key: JSONSpan, _ value: JSONSpan) -> Bool {
        if key.matches("store") { return true }
        return key.matches("modalities") && value.elements.allSatisfy { $0.matches("text") }
    }

    private static let handled: [StaticString] = [
        "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens",
        "thinking", "reasoning_effort", "reasoning", "output_config", "response_format", "temperature", "top_p",
        "top_k", "stop", "user", "safety_identifier", "metadata", "service_tier", "cache_control", "anthropic_beta",
        "stream", "stream_options", "n", "functions", "function_call",
    ]

    private static let own: [StaticString] = [
        "container", "context_management", "mcp_servers", "inference_geo", "speed", "diagnostics", "user_profile_id",
        "fallbacks",
    ]
}
