import CanonicalModel
import Dialects
import KimiHostCore
import PluginHost
import WireJSON

/// POST /v1/messages.
final class MessagesSource: BodySource, ClientSource {
    private let options: MessagesDecoder.Options
    private var decoded: DecodedRequest?

    init(_ request: ClientRequest, _ loop: LoopContext, hosted: HostedToolsPolicy) {
        options = MessagesDecoder.Options(hosted, betas: request.betas)
        super.init(request, loop)
    }

    var dialect: String { NativeDialect.messages.name }

    func model(mayBeNative: Bool) throws(ExchangeError) -> String {
        guard mayBeNative else { return try decode().model }
        return try peek().model
    }

    func check(for route: Route) throws(ExchangeError) {
        if !route.speaks(dialect) { _ = try decode() }
    }

    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput? {
        let input = try native(.messages, try peek(), on: route, attempt: attempt)
        return options.betas.isEmpty ? input : try NativeBetas.add(options.betas, to: input)
    }

    func canonical(on route: Route, attempt: Int) throws(ExchangeError) -> CanonicalForm {
        let decoded = try decode()
        let json = try decoded.json.withBytes { bytes throws(ExchangeError) in
            try Self.named(route.upstreamModel, decoded.model, bytes)
        }
        let encoder: any ResponseEncoder =
            decoded.wantsStream
            ? MessagesStreamEncoder(requestID: requestID) : MessagesUnaryEncoder(maxBytes: route.maxResponseBytes)
        let request = plugin(
            json, .messages, try conversation(decoded.json), wantsStream: decoded.wantsStream, on: route,
            attempt: attempt)
        return .attempt(AttemptInput(request: request, encoder: encoder, dropped: decoded.dropped))
    }

    override func forget() {
        decoded = nil
        super.forget()
    }

    private func decode() throws(ExchangeError) -> DecodedRequest {
        if let decoded { return decoded }
        let decoded = try read { bytes, _ throws(ExchangeError) in
            try MessagesDecoder.decode(bytes, parser: loop.parser, options: options, scratch: loop.scratch)
        }
        self.decoded = decoded
        return decoded
    }
}

extension MessagesDecoder.Options {
    init(_ hosted: HostedToolsPolicy, betas: [String]) {
        self.init(hostedTools: hosted == .refuse ? .refuse : .strip, betas: betas)
    }
}

/// The `anthropic-beta` header of a request that goes up as it is: the member `anthropic_beta`, which the provider makes
/// a header again. The member is not there when the client sent no header.
enum NativeBetas {
    static func add(_ betas: [String], to input: NativeInput) throws(ExchangeError) -> NativeInput {
        let value = ByteWriter(capacity: 64)
        for (index, beta) in betas.enumerated() {
            value.append(index == 0 ? "[" : ",")
            value.appendJSONString(beta)
        }
        value.append("]")
        var request = input.request
        do {
            request.json = try value.withBytes { value throws(JSONError) in
                try request.json.withBytes { json throws(JSONError) in
                    try JSONEdit.replaceMember("anthropic_beta", with: value, in: json)
                }
            }
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
        return NativeInput(dialect: input.dialect, request: request)
    }
}
