import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import PluginABI
import WireJSON

/// Gives every response its `x-request-id`, and every error the shape of the OpenAI API.
struct Framing: RouterMiddleware {
    typealias Context = HostContext

    private static let requestID = HTTPField.Name("x-request-id")

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError {
            response = Self.response(error.status, request)
            if request.method == .head { response = response.createHeadResponse() }
        }
        if let name = Self.requestID {
            var generator = SystemRandomNumberGenerator()
            response.headers[name] = RequestID.accept(request.headers[name], or: &generator)
        }
        return response
    }

    private static func response(_ status: HTTPResponse.Status, _ request: Request) -> Response {
        let path = request.uri.path
        guard status == .notFound else {
            return response(status, KIMI_CAT_BAD_REQUEST, "\(request.method) \(path): \(status.reasonPhrase)", nil)
        }
        if request.method != .get, request.method != .head, isServed(path) {
            let message = "\(request.method) is not served at \(path): use GET"
            var response = response(.methodNotAllowed, KIMI_CAT_BAD_REQUEST, message, nil)
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        let message =
            "no such path: \(request.method) \(path); "
            + "POST /v1/chat/completions, /v1/messages and /v1/responses, GET /v1/models, /healthz and /readyz are served"
        return response(status, KIMI_CAT_NOT_FOUND, message, "not_found")
    }

    private static func isServed(_ path: String) -> Bool {
        path == "/healthz" || path == "/readyz" || path.hasSuffix("/v1/models")
    }

    private static func response(
        _ status: HTTPResponse.Status, _ category: kimi_category, _ message: String, _ code: String?
    ) -> Response {
        let body = ByteWriter(capacity: 256)
        ChatErrors.write(ExchangeError(category, message, httpStatus: status.code, code: code), to: body)
        return HostServer.json(status, body)
    }
}
