import WireJSON

/// A `tool_choice` that forces a call is refused while the model thinks.
extension Upward {
    private enum Choice {
        case required, named
    }

    mutating func adaptToolChoice() {
        guard isOn(.toolChoice), settings.config.history.toolChoice != .keep, let choice = forcedChoice() else {
            return
        }
        switch settings.config.history.toolChoice {
        case .keep: break
        case .degrade: send("auto", choice)
        case .noThinking where settings.family != .k3: forbidThought(choice)
        case .auto, .noThinking:
            guard isKnownToThink else { return }
            if settings.family != .k3 {
                send("auto", choice)
            } else if choice == .named {
                send("required", choice)
            }
        }
    }

    private mutating func send(_ word: StaticString, _ choice: Choice) {
        counts.add(.toolChoice, "tool_choice \(choice) became \(word)")
        put("tool_choice") { output in
            output.append("\"")
            output.append(word)
            output.append("\"")
        }
    }

    private mutating func forbidThought(_ choice: Choice) {
        guard settings.family != .k2, asksForThought != false else { return }
        counts.add(.toolChoice, "thinking was switched off for tool_choice \(choice)")
        put("thinking") { $0.append("{\"type\":\"disabled\",\"keep\":null,\"budget_tokens\":null}") }
        put("chat_template_kwargs") { $0.append("{\"thinking\":false}") }
        switchThinkingOff()
    }

    private func forcedChoice() -> Choice? {
        guard let span = reading.toolChoice else { return nil }
        let value = json.slice(span.range)
        if value.matches("\"required\"") || value.matches("\"any\"") { return .required }
        guard value.first == UInt8(ascii: "{") else { return nil }
        let choice = text.withValue(value) { value -> Choice? in
            if value["function"]?["name"]?.isString == true || value["name"]?.isString == true { return .named }
            return ["required", "any"].contains(value["type"]?.string) ? .required : nil
        }
        return choice ?? nil
    }
}
