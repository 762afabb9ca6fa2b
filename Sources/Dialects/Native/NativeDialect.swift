import CanonicalModel
import WireJSON

/// A client's API whose bytes can go up and down as they are.
package enum NativeDialect: Sendable, Equatable {
    case chat, completions, embeddings, messages, countTokens, responses

    /// Its name towards plugins and in manifests.
    package var name: String {
        switch self {
        case .chat: "openai.chat"
        case .completions: "openai.completions"
        case .embeddings: "openai.embeddings"
        case .messages: "anthropic.messages"
        case .countTokens: "anthropic.count_tokens"
        case .responses: "openai.responses"
        }
    }

    /// The event that ends a stream of this API with an error. `sequence`: how many events went before, where the API
    /// numbers them.
    func writeEvent(_ error: ExchangeError, requestID: String, sequence: Int, to out: ByteWriter) {
        switch self {
        case .chat, .completions, .embeddings:
            out.append("data: ")
            ChatErrors.write(error, to: out)
            out.append("\n\n")
        case .messages, .countTokens: MessagesErrors.writeEvent(error, requestID: requestID, to: out)
        case .responses:
            out.append("event: error\ndata: {\"type\":\"error\",\"sequence_number\":")
            out.append(int: Int64(sequence))
            ResponsesErrors.writeEvent(error, to: out)
            out.append("}\n\n")
        }
    }
}
