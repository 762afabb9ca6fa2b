internal import WireJSON

/// Who reads the events: clients' APIs differ in what they have a place for.
enum ReplyForm {
    case chat, responses, messages
    /// The log alone: the client gets the upstream's bytes.
    case native
    /// The same, for counted tokens.
    case count

    /// An unnamed dialect is taken for Chat.
    init(_ dialect: UnsafeRawBufferPointer) {
        if dialect.matches("anthropic.messages") {
            self = .messages
        } else {
            self = dialect.matches("openai.responses") ? .responses : .chat
        }
    }
}
