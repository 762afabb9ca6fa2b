/// Which server it is that speaks the OpenAI API: they differ in what they take, refuse and ignore
/// (docs/openai-compatible.md says how).
public enum Flavour: String, Sendable, CaseIterable {
    case openai, azure, vllm, sglang, ollama, moonshot, compatible
    case llamaCPP = "llama.cpp"

    /// OpenAI itself, on its own hosts or Azure's: answers are its own and need no cleaning.
    public var isGenuine: Bool { self == .openai || self == .azure }

    /// By the host's name, and Ollama by its port; `compatible` if nothing says.
    public static func suited(to url: String) -> Flavour {
        let (host, port) = BaseURL.authority(of: url)
        func isUnder(_ domain: String) -> Bool { host == domain || host.hasSuffix("." + domain) }
        if isUnder("api.openai.com") { return .openai }
        if ["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"].contains(where: isUnder) {
            return .azure
        }
        if ["moonshot.ai", "moonshot.cn", "kimi.com", "kimi.ai"].contains(where: isUnder) { return .moonshot }
        return isUnder("ollama.com") || port == "11434" ? .ollama : .compatible
    }

    /// What the server takes of a canonical request.
    public var canonical: CanonicalOptions {
        var options = isGenuine ? CanonicalOptions.openAI : .compatible
        switch self {
        case .openai, .azure, .compatible: return options
        case .vllm, .sglang: options.thinking = .template
        case .llamaCPP:
            options.thinking = .template
            options.choosesToolsByWord = true
        case .ollama:
            options.thinking = .effortOrNone
            options.keepsTopK = false
        case .moonshot: options.pinsSampling = true
        }
        options.maxTokens = .plain
        options.adaptsChat = true
        return options
    }
}
