internal import PluginABI
internal import PluginKit

/// An attempt that begins with a token: the host has it, or has it fetched; then the inner exchange goes on.
final class AuthorizedExchange: ProviderExchange {
    private let inner: any ProviderExchange
    private let key: String
    private var token: String?

    /// `token`: one that needs not be asked for.
    init(_ inner: any ProviderExchange, key: String, token: String?) {
        self.inner = inner
        self.key = key
        self.token = token
    }

    func next(_ plan: Plan) throws(PluginFailure) {
        guard let token else { return try plan.token(key) }
        try plan.secretHeader("Authorization", "Bearer \(token)")
        try inner.next(plan)
    }

    func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code {
        guard result.kind == KIMI_STEP_TOKEN.rawValue else { return try inner.result(result) }
        guard result.status >= 0 else {
            throw PluginFailure(
                status: result.status, category: KIMI_CAT_AUTH,
                result.body.buffer.isEmpty ? "There is no access token for Vertex AI." : result.body.text)
        }
        token = result.body.text
        return KIMI_OK
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool {
        try inner.feed(frames, to: sink)
    }

    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) { try inner.flush(why, to: sink) }
}
