import HTTPTypes
import Hummingbird
import NIOCore
import RequestLog
import WireJSON

/// Why a request of the page's is not served; the codes are those of docs/dashboard-api.md.
struct DashboardError: Error {
    var status: HTTPResponse.Status
    var code: String
    var message: String
    var parameter: String?

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, _ parameter: String? = nil) {
        (self.status, self.code, self.message, self.parameter) = (status, code, message, parameter)
    }

    static func parameter(_ name: String, _ message: String) -> DashboardError {
        DashboardError(.badRequest, "bad_parameter", "\(name): \(message)", name)
    }

    static let logOff = DashboardError(
        .serviceUnavailable, "log_off", "this host keeps no log: remove 'log.enabled: false' from its configuration")

    static func notFound(_ what: String) -> DashboardError { DashboardError(.notFound, "not_found", what) }

    static func notAvailable(_ what: String) -> DashboardError {
        DashboardError(.notImplemented, "not_available", "\(what) is not available on this host")
    }

    static func log(_ error: LogError) -> DashboardError {
        // Of what is asked of a reader only a search without words can be wrong by itself.
        if case .setting(let what) = error { return .parameter("q", what) }
        return DashboardError(.serviceUnavailable, "log_unavailable", "\(error)")
    }

    var response: Response {
        let object = JSONObjectWriter()
        object.object("error") { object in
            object.text("code", code)
            object.text("message", message)
            object.text("param", parameter)
        }
        var response = Reply.json(object.end(), status: status)
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

/// Responses with the headers that every one of them has.
enum Reply {
    static let contentSecurityPolicy = HTTPField.Name("content-security-policy")
    private static let contentTypeOptions = HTTPField.Name("x-content-type-options")
    private static let referrerPolicy = HTTPField.Name("referrer-policy")
    private static let resourcePolicy = HTTPField.Name("cross-origin-resource-policy")

    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        make(status, type: "application/json", bytes)
    }

    static func make(_ status: HTTPResponse.Status, type: String, _ bytes: [UInt8]) -> Response {
        Response(status: status, headers: headers(type), body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func empty(_ status: HTTPResponse.Status) -> Response { Response(status: status, headers: headers(nil)) }

    static func headers(_ type: String?) -> HTTPFields {
        var fields = HTTPFields()
        if let type { fields[.contentType] = type }
        fields[.cacheControl] = "no-store"
        if let name = contentTypeOptions { fields[name] = "nosniff" }
        if let name = referrerPolicy { fields[name] = "no-referrer" }
        if let name = resourcePolicy { fields[name] = "same-origin" }
        if let name = contentSecurityPolicy { fields[name] = "default-src 'none'; frame-ancestors 'none'; sandbox" }
        return fields
    }
}
