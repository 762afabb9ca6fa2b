import CanonicalModel
import Dialects
import KimiHostCore

/// A request of an API that has no canonical form: /v1/completions and /v1/embeddings. It goes up as it is, or nowhere.
final class NativeOnlySource: BodySource, ClientSource {
    private let native: NativeDialect

    init(_ request: ClientRequest, _ loop: LoopContext, _ native: NativeDialect) {
        self.native = native
        super.init(request, loop)
    }

    var dialect: String { native.name }

    func model(mayBeNative: Bool) throws(ExchangeError) -> String { try peek().model }

    func check(for route: Route) {}

    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput? {
        try native(native, try peek(), on: route, attempt: attempt)
    }

    func canonical(on route: Route, attempt: Int) -> CanonicalForm { .none }
}
