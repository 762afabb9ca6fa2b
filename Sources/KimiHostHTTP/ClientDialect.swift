import CanonicalModel
import Dialects
import WireJSON

/// The API that a client speaks, as far as HTTP is concerned.
enum ClientDialect: Equatable, Sendable {
    case chat, messages, responses, completions, embeddings

    /// Its name towards plugins and in logs.
    var name: String {
        switch self {
        case .chat: "openai.chat"
        case .completions: "openai.completions"
        case .embeddings: "openai.embeddings"
        case .messages: "anthropic.messages"
        case .responses: "openai.responses"
        }
    }

    /// Appends the body of a failed reply.
    func write(_ error: ExchangeError, requestID: String, to out: ByteWriter) {
        switch self {
        case .chat, .completions, .embeddings: ChatErrors.write(error, to: out)
        case .messages: MessagesErrors.write(error, requestID: requestID, to: out)
        case .responses: ResponsesErrors.write(error, requestID: requestID, to: out)
        }
    }

    func httpStatus(of error: ExchangeError) -> Int {
        self == .messages ? MessagesErrors.httpStatus(of: error) : error.httpStatus
    }

    /// What keeps a silent stream awake.
    var keepAlive: StaticString {
        self == .messages ? MessagesKeepAlive.bytes : ResponsesErrors.keepAlive
    }
}
