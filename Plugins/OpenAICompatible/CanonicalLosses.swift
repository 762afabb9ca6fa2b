internal import PluginKit
internal import WireJSON

/// What a chat request cannot say. The order is that of the notes: a host may keep only the first few.
enum CanonicalLoss: Int, CaseIterable {
    case nativePart, nativeTool, toolChoice, documentURL, topK, thinking, reasoningItems, thinkingBlocks,
        foreignThoughts, reasoning,
        details
    case callExtras, document, searchResult, title, context, citations, detail, metadata, errorMark, beta
    case requestCache, toolCache, messageCache, partCache, callCache
    case temperature, topP, choices, presencePenalty, frequencyPenalty

    private var path: StaticString {
        switch self {
        case .nativePart, .documentURL: "messages[*].content[*]"
        case .nativeTool: "tools[*]"
        case .toolChoice: "tool_choice"
        case .topK: "top_k"
        case .thinking: "thinking"
        case .reasoningItems: "messages[*].reasoning_items"
        case .thinkingBlocks, .foreignThoughts: "messages[*].thinking_blocks"
        case .reasoning: "messages[*].reasoning_content"
        case .details: "messages[*].reasoning_details"
        case .callExtras: "messages[*].tool_calls[*].extra_content"
        case .document: "messages[*].content[*].document"
        case .searchResult: "messages[*].content[*].search_result"
        case .title: "messages[*].content[*].title"
        case .context: "messages[*].content[*].context"
        case .citations: "messages[*].content[*].citations"
        case .detail: "messages[*].content[*].detail"
        case .metadata: "metadata"
        case .errorMark: "messages[*].is_error"
        case .beta: "anthropic_beta"
        case .requestCache: "cache_control"
        case .toolCache: "tools[*].cache_control"
        case .messageCache: "messages[*].cache_control"
        case .partCache: "messages[*].content[*].cache_control"
        case .callCache: "messages[*].tool_calls[*].cache_control"
        case .temperature: "temperature"
        case .topP: "top_p"
        case .choices: "n"
        case .presencePenalty: "presence_penalty"
        case .frequencyPenalty: "frequency_penalty"
        }
    }

    private var reason: StaticString {
        switch self {
        case .nativePart: "only the client's own API has parts of this type"
        case .nativeTool: "only the client's own API has tools of this type"
        case .toolChoice: "the tool it asks for was left out"
        case .documentURL: "the upstream fetches no documents; a text names the URL"
        case .topK: "the upstream does not have it"
        case .thinking: "the upstream takes no budget and no further settings of thinking"
        case .reasoningItems, .foreignThoughts: "only the API that made them can read them"
        case .thinkingBlocks: "signatures and hidden thoughts have no place in Chat"
        case .reasoning, .details, .callExtras: "the upstream takes no thoughts back"
        case .document, .searchResult, .title, .context: "labels of documents have no place in Chat"
        case .citations: "Chat has no citations"
        case .detail: "Chat has no level of detail for files"
        case .metadata: "its values must be strings"
        case .errorMark: "there is no text that could say it"
        case .beta: "only Anthropic's own API has it"
        case .requestCache, .toolCache, .messageCache, .partCache, .callCache:
            "the upstream decides by itself what it caches"
        case .temperature, .topP, .choices, .presencePenalty, .frequencyPenalty:
            "the model takes no other value than its own"
        }
    }

    /// One line: path, types if there are any, and reason.
    func detail(types: [String]) -> String {
        let list = types.isEmpty ? "" : " (\(types.joined(separator: ", ")))"
        return "\(path)\(list): \(reason)"
    }
}

/// The losses of one request, counted.
struct CanonicalLosses: Sendable {
    /// The word under which the host files them.
    static let kind = "dropped"
    /// Different types that are named for each loss.
    private static let maxTypes = 4

    private var counts = [Int](repeating: 0, count: CanonicalLoss.allCases.count)
    private var types: [Int: [String]] = [:]
    /// Members of the request that the upstream's API does not have, by name.
    private var members: [(name: String, reason: StaticString)] = []
    /// Names kept, and characters of one.
    private static let maxMembers = 64
    private static let maxName = 64

    mutating func add(_ loss: CanonicalLoss) {
        counts[loss.rawValue] += 1
    }

    /// A loss of a type the client gave a name to. Names that are no plain words are not told.
    mutating func add(_ loss: CanonicalLoss, type: JSONSpan?) {
        add(loss)
        guard let type, type.kind == .string, !type.inner.isEmpty, type.inner.count <= 48,
            type.inner.allSatisfy(Self.isWord)
        else { return }
        let name = String(decoding: type.inner, as: UTF8.self)
        var known = types[loss.rawValue] ?? []
        guard known.count < Self.maxTypes, !known.contains(name) else { return }
        known.append(name)
        types[loss.rawValue] = known
    }

    /// A member of the request that has no place. Names that are no plain words are told as one.
    mutating func add(member name: JSONSpan, _ reason: StaticString) {
        let isPlain = !name.inner.isEmpty && name.inner.count <= Self.maxName && name.inner.allSatisfy(Self.isWord)
        let text = isPlain ? String(decoding: name.inner, as: UTF8.self) : "(other members)"
        guard members.count < Self.maxMembers, !members.contains(where: { $0.name == text }) else { return }
        members.append((text, reason))
    }

    /// Each loss with its number, as a line.
    var lines: [(detail: String, count: Int)] {
        members.map { ("\($0.name): \($0.reason)", 1) }
            + CanonicalLoss.allCases.filter { counts[$0.rawValue] > 0 }.map { loss in
                (loss.detail(types: types[loss.rawValue] ?? []), counts[loss.rawValue])
            }
    }

    /// Tells the host, which may not want to know.
    func tell(_ notes: Notes?, _ sink: Sink) {
        guard let notes else { return }
        for (detail, count) in lines { notes.reply(sink, Self.kind, count: count, detail: detail) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
