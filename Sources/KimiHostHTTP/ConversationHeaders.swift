import Dialects
import NIOHTTP1

extension ConversationHint {
    /// Names of one conversation. docs/configuration.md lists them.
    private static let names = ["x-conversation-id", "conversation_id", "x-openwebui-chat-id"]
    /// Names of a session, which may hold several conversations.
    private static let sessions = [
        "x-session-id", "session_id", "x-session-affinity", "x-claude-code-session-id", "x-litellm-session-id",
        "helicone-session-id",
    ]
    /// Who asks.
    private static let clients = ["authorization", "x-api-key"]

    /// The conversation, told by the body and by what well-known clients send beside it.
    func text(_ headers: HTTPHeaders) -> String {
        text(
            name: Self.first(Self.names, headers), session: Self.first(Self.sessions, headers),
            client: Self.first(Self.clients, headers))
    }

    /// The same as a number that stays the same after a restart, whoever asks.
    func stable(_ headers: HTTPHeaders) -> UInt64 {
        stable(name: Self.first(Self.names, headers), session: Self.first(Self.sessions, headers))
    }

    private static func first(_ names: [String], _ headers: HTTPHeaders) -> String? {
        for name in names {
            if let value = headers.first(name: name), !value.isEmpty { return value }
        }
        return nil
    }
}
