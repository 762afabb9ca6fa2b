package import CanonicalModel
package import Dialects
import PluginABI
package import PluginHost
package import WireJSON

/// What one attempt works with.
package struct AttemptInput {
    package var request: PluginRequest
    package let encoder: any ResponseEncoder
    /// What of the client's request has no equivalent upstream.
    package let dropped: [DroppedField]
    /// To be called when the reply has succeeded, before the client can know.
    package let succeeded: (() -> Void)?

    package init(
        request: PluginRequest, encoder: any ResponseEncoder, dropped: [DroppedField] = [],
        succeeded: (() -> Void)? = nil
    ) {
        self.request = request
        self.encoder = encoder
        self.dropped = dropped
        self.succeeded = succeeded
    }
}

/// A request that goes up as its client sent it.
package struct NativeInput {
    package let dialect: NativeDialect
    package let request: PluginRequest

    package init(dialect: NativeDialect, request: PluginRequest) {
        self.dialect = dialect
        self.request = request
    }
}

/// How a request is served that does not go up as the client sent it.
package enum CanonicalForm {
    case attempt(AttemptInput)
    /// The host answers by itself.
    case reply(ByteWriter, headers: [(name: String, value: String)])
    /// This API has no canonical form.
    case none
}

/// A client's request, of which each attempt takes what it needs. Event loop only.
package protocol RequestSource: AnyObject {
    /// The id that the client sees.
    var requestID: String { get }
    /// What the client speaks, such as `openai.chat`.
    var dialect: String { get }
    /// The client's own body with the upstream's name of the model, for a route that speaks its dialect; nil if this
    /// request needs the host all the same.
    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput?
    func canonical(on route: Route, attempt: Int) throws(ExchangeError) -> CanonicalForm
    /// No further attempt will be made: the client's bytes are not needed any more.
    func forget()
}

extension RequestSource {
    /// Nobody on this route can serve a request of this API.
    func unserved(by route: Route) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_BAD_REQUEST,
            "the model's provider '\(route.providerName)' does not serve \(dialect); choose a model whose provider lists "
                + "that dialect (kimi-host plugins list)",
            param: "model", code: "unsupported_endpoint")
    }
}

extension DroppedField {
    /// A plugin's note of kind `dropped`: `PATH: reason`.
    init(detail: String) {
        let parts = detail.split(separator: ": ", maxSplits: 1)
        self.init(path: String(parts.first ?? "?"), reason: parts.count > 1 ? String(parts[1]) : "")
    }
}
