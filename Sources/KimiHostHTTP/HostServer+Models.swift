import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import KimiHostCore
import NIOCore
import PluginABI
import WireJSON

/// GET /v1/models and /v1/models/{id}, in the shape that the client's API has.
extension HostServer {
    static func addModels(
        to router: Hummingbird.Router<HostContext>, at path: String, _ current: CurrentServing
    ) {
        router.get(RouterPath(path + "/models")) { request, context in
            Self.models(current.serving.runtime, context.key, request, profile: context.parameters.get("profile"))
        }
        router.get(RouterPath(path + "/models/**")) { request, context in
            // Names hold slashes, escaped or not.
            let name = context.parameters.getCatchAll().joined(separator: "/")
            return Self.model(
                current.serving.runtime, context.key, request, PercentEncoding.decoded(name.utf8[...]) ?? name,
                profile: context.parameters.get("profile"))
        }
    }

    private static func models(
        _ runtime: HostRuntime, _ key: ClientKey, _ request: Request, profile: String?
    ) -> Response {
        let names = runtime.modelNames(profile: profile).filter(key.mayUse(model:))
        let out = ByteWriter(capacity: 1024)
        guard isAnthropic(request) else {
            out.append(#"{"object":"list","data":["#)
            for (index, name) in names.enumerated() {
                if index > 0 { out.append(",") }
                write(name, runtime, to: out)
            }
            out.append("]}")
            return json(.ok, out)
        }
        let query = request.uri.queryParameters
        do {
            let page = try MessagesModelPage(
                of: names.map { MessagesModel(id: $0, created: runtime.startedAt) },
                limit: query.get("limit").map { Int($0) ?? -1 } ?? MessagesModelPage.defaultLimit,
                afterID: query.get("after_id"), beforeID: query.get("before_id"))
            page.write(to: out)
            return json(.ok, out)
        } catch {
            return failure(error, .messages, request)
        }
    }

    private static func model(
        _ runtime: HostRuntime, _ key: ClientKey, _ request: Request, _ name: String, profile: String?
    ) -> Response {
        guard key.mayUse(model: name), runtime.modelNames(profile: profile).contains(name) else {
            let error = ExchangeError(
                KIMI_CAT_NOT_FOUND, "there is no model '\(LogText.oneLine(name))': GET /v1/models lists what there is",
                param: "model", code: "model_not_found")
            return failure(error, dialect(of: request), request)
        }
        let out = ByteWriter(capacity: 256)
        if isAnthropic(request) {
            MessagesModel(id: name, created: runtime.startedAt).write(to: out)
        } else {
            write(name, runtime, to: out)
        }
        return json(.ok, out)
    }

    private static func write(_ name: String, _ runtime: HostRuntime, to out: ByteWriter) {
        out.append(#"{"id":"#)
        out.appendJSONString(name)
        out.append(#","object":"model","created":"#)
        out.append(int: runtime.startedAt)
        out.append(#","owned_by":"kimi-host"}"#)
    }

    /// Anthropic's clients say which version of its API they speak.
    static func isAnthropic(_ request: Request) -> Bool {
        HTTPField.Name("anthropic-version").map { request.headers[$0] != nil } ?? false
    }

    /// The API whose words an error has to be in.
    static func dialect(of request: Request) -> ClientDialect { isAnthropic(request) ? .messages : .chat }

    /// An error under the request's id: the body and the headers name the same.
    static func failure(_ error: ExchangeError, _ dialect: ClientDialect, _ request: Request) -> Response {
        let out = ByteWriter(capacity: 256)
        let id = Framing.id(of: request)
        dialect.write(error, requestID: id, to: out)
        var response = json(HTTPResponse.Status(code: dialect.httpStatus(of: error)), out)
        Framing.identify(&response, id, request)
        if response.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}
