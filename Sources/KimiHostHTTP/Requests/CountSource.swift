import CanonicalModel
import Dialects
import KimiHostCore
import WireJSON

/// POST /v1/messages/count_tokens: counted by an upstream that can, estimated otherwise.
final class CountSource: BodySource, ClientSource {
    private let options: MessagesDecoder.Options

    init(_ request: ClientRequest, _ loop: LoopContext, hosted: HostedToolsPolicy) {
        options = MessagesDecoder.Options(hosted, betas: request.betas)
        super.init(request, loop)
    }

    var dialect: String { NativeDialect.countTokens.name }

    func model(mayBeNative: Bool) throws(ExchangeError) -> String { try peek().model }

    func check(for route: Route) throws(ExchangeError) {
        if !route.speaks(dialect) { _ = try estimate() }
    }

    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput? {
        let input = try native(.countTokens, try peek(), on: route, attempt: attempt)
        return options.betas.isEmpty ? input : try NativeBetas.add(options.betas, to: input)
    }

    func canonical(on route: Route, attempt: Int) throws(ExchangeError) -> CanonicalForm {
        let out = ByteWriter(capacity: 64)
        TokenEstimate.write(try estimate(), to: out)
        return .reply(out, headers: [("x-kimi-token-count", "estimated")])
    }

    private func estimate() throws(ExchangeError) -> Int {
        try read { bytes, _ throws(ExchangeError) in
            try TokenEstimate.decode(bytes, parser: loop.parser, options: options).inputTokens
        }
    }
}
