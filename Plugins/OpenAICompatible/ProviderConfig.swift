internal import PluginABI
public import PluginKit
public import WireJSON

/// Reads an instance's config.
public enum ProviderConfig {
    /// The config as JSON, valid as long as the parser is not used again.
    public static func parse(
        _ config: UnsafeRawBufferPointer, with parser: JSONParser
    ) throws(PluginFailure) -> JSONValue {
        do {
            return try parser.parse(config)
        } catch {
            throw PluginFailure(KIMI_E_CONFIG, KIMI_CAT_CONFIG, "The provider_config is not JSON: \(error.message)")
        }
    }
}

extension OpenAIOptions {
    /// Reads what all providers of this family share: `headers`, `extra_headers`, `extra_body` and `canonical`.
    public mutating func readShared(_ root: JSONValue) throws(PluginFailure) {
        for key in ["headers", "extra_headers"] {
            root.member(key)?.forEachMember { name, value in
                setHeader(String(decoding: name, as: UTF8.self), value.string)
            }
        }
        extraBody = try ExtraBody.patch(root["extra_body"])
        if let object = root["canonical"] { canonical.read(object) }
        if let recovers = root["recover_failed_generation"]?.bool { recoversFailedGeneration = recovers }
    }
}

extension CanonicalOptions {
    /// Reads the members of `canonical`, which the host has checked against ``schema``.
    public mutating func read(_ object: JSONValue) {
        func set(_ key: StaticString, _ path: WritableKeyPath<CanonicalOptions, Bool>) {
            if let value = object[key]?.bool { self[keyPath: path] = value }
        }
        set("cache_control", \.keepsCacheControl)
        set("reasoning", \.keepsReasoning)
        set("reasoning_details", \.makesReasoningDetails)
        set("developer", \.keepsDeveloper)
        set("top_k", \.keepsTopK)
        set("pinned_samplers", \.pinsSampling)
        set("tool_choice_as_word", \.choosesToolsByWord)
        set("chat_clients", \.adaptsChat)
        switch object["document_url"]?.string {
        case "text": documentURL = .text
        case "file_data": documentURL = .fileData
        case "keep": documentURL = .keep
        default: break
        }
        switch object["thinking"]?.string {
        case "type": thinking = .type
        case "effort": thinking = .effort
        case "effort_or_none": thinking = .effortOrNone
        case "template": thinking = .template
        case "reasoning": thinking = .reasoning
        case "keep": thinking = .keep
        default: break
        }
        switch object["max_tokens"]?.string {
        case "keep": maxTokens = .keep
        case "max_completion_tokens": maxTokens = .completion
        case "max_tokens": maxTokens = .plain
        default: break
        }
    }
}
