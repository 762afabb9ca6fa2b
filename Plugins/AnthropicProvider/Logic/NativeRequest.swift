internal import PluginABI
internal import PluginKit
internal import WireJSON

/// What goes up: a whole body, or a change to the request that the host holds.
struct RequestBody {
    enum Content {
        /// The request as it is.
        case untouched
        case patch([UInt8])
        case whole(ByteWriter)
    }

    let content: Content
    /// The client's words for `anthropic-beta`.
    let betas: [String]
}

/// A request of the upstream's own API: only what must change is patched.
enum NativeRequest {
    /// `anthropic_beta` in the body becomes the header; `extra_body` and `promptCaching` of the configuration apply.
    static func body(
        _ json: UnsafeRawBufferPointer, _ options: AnthropicOptions, isCount: Bool, isClaude: Bool
    ) throws(PluginFailure) -> RequestBody {
        let patch = ByteWriter(capacity: 64)
        var betas: [String] = []
        var isMoved = false
        do {
            let outline = try JSONOutline(json)
            let root = outline.root
            if let list = root["anthropic_beta"] {
                add("anthropic_beta", "null", to: patch)
                betas = BetaWords.read(list)
            }
            if options.cacheControl.utf8CodeUnitCount > 0, root["cache_control"] == nil, !isCount {
                add("cache_control", options.cacheControl, to: patch)
            }
            isMoved = !isCount && ForeignThoughts.stand(in: root, isClaude: isClaude)
            withExtendedLifetime(outline) {}
        } catch {
            throw PluginFailure(KIMI_E_ARG, KIMI_CAT_BAD_REQUEST, "The request is not JSON: \(error.message)")
        }
        guard !isMoved else { throw .unsupported("The conversation holds thoughts that another route signed.") }
        // max_tokens and the like have no place in a count.
        if !isCount { append(options.patch.patch, to: patch) }
        guard patch.count > 0 else { return RequestBody(content: .untouched, betas: betas) }
        patch.append("}")
        return RequestBody(content: .patch(patch.bytes), betas: betas)
    }

    private static func add(_ name: StaticString, _ json: StaticString, to patch: ByteWriter) {
        patch.append(patch.count == 0 ? "{\"" : ",\"")
        patch.append(name)
        patch.append("\":")
        patch.append(json)
    }

    /// The members of an object that was written without spaces.
    private static func append(_ object: [UInt8], to patch: ByteWriter) {
        guard object.count > 2 else { return }
        patch.append(patch.count == 0 ? "{" : ",")
        patch.append(bytes: Array(object.dropFirst().dropLast()))
    }
}

/// Words of `anthropic-beta`.
enum BetaWords {
    /// More are not sent.
    private static let most = 64

    /// Of a list of strings, each one word or several with commas; what cannot stand in a header is left out.
    static func read(_ list: JSONSpan) -> [String] {
        let strings = list.kind == .string ? [list.string ?? ""] : list.elements.compactMap(\.string)
        var words: [String] = []
        for word in strings.flatMap({ $0.split(separator: ",") }) {
            let word = word.split(separator: " ").joined(separator: " ")
            let isPlain = !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            if isPlain, words.count < most { words.append(word) }
        }
        return words
    }
}
