import CanonicalModel
import Dialects
import KimiHostCore
import WireJSON

/// POST /v1/chat/completions. Chat is the canonical form: both ways differ in how the answer comes down only.
final class ChatSource: BodySource, ClientSource {
    private let chat: ChatRequest
    private let conversation: String
    private let stable: UInt64

    init(_ request: ClientRequest, on loop: LoopContext) throws(ExchangeError) {
        let chat = try request.body.bytes { bytes throws(ExchangeError) in try ChatRequest(bytes, parser: loop.parser) }
        self.chat = chat
        self.conversation = chat.conversation.text(request.headers)
        self.stable = chat.conversation.stable(request.headers)
        super.init(request, loop)
    }

    var dialect: String { NativeDialect.chat.name }

    func model(mayBeNative: Bool) -> String { chat.model }

    func check(for route: Route) {}

    override func hints() -> RoutingHints { RoutingHints(conversation: stable, wantsStream: chat.wantsStream) }

    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput? {
        let peek = BodyPeek(
            model: chat.model, wantsStream: chat.wantsStream, conversation: conversation, stable: stable)
        return try native(.chat, peek, on: route, attempt: attempt)
    }

    func canonical(on route: Route, attempt: Int) throws(ExchangeError) -> CanonicalForm {
        let json = try read { bytes, _ throws(ExchangeError) in
            try Self.named(route.upstreamModel, chat.model, bytes)
        }
        let encoder: any ResponseEncoder =
            chat.wantsStream
            ? ChatStreamEncoder(wantsUsage: chat.wantsUsage) : ChatUnaryEncoder(maxBytes: route.maxResponseBytes)
        let request = plugin(
            json, .chat, conversation, wantsStream: chat.wantsStream, on: route, attempt: attempt)
        return .attempt(AttemptInput(request: request, encoder: encoder))
    }
}
