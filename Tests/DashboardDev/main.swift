// swift-format-ignore-file
// A tool for tests of the page and for working on it: made-up logs, fixed routes and plugins.
import Dashboard
import Foundation
import HTTPTypes
import Hummingbird
import LogModel
import NIOCore
import RequestLog

/// Serves the dashboard beside a log for development: `dashdev DB PORT [ASSETS]`. Fixed routes and plugins come from files.
struct Host: DashboardHost {
    let version = "0.1.0-dev"
    let entryWay: EntryWay
    let isEnding = false
    let accessStamp = 0
    let logPath: String?
    let logStats: LogStats? = nil
    let routesFile: [UInt8]?
    let pluginsFile: [UInt8]?
    func visitor(_ headers: HTTPFields) -> Visitor? {
        headers[.authorization] == "Bearer admin-key" ? Visitor(name: "admin", isAdmin: true) : nil
    }
    func visitor(key: String) -> Visitor? {
        key == "admin-key" ? Visitor(name: "admin", isAdmin: true) : key == "look" ? Visitor(name: "look", isAdmin: false) : nil
    }
    func routes() -> [UInt8]? { routesFile }
    func plugins() -> [UInt8]? { pluginsFile }
    func clearCooldowns(route: String?) -> Int? { route == "nope" ? nil : 1 }
    let hasReplay = true
    func replay(sequence: Int64) async -> ReplayAnswer { .done(Array(#"{"same":false,"recorded":"data: one\ndata: two","replayed":"data: one\ndata: 2"}"#.utf8)) }
}
func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { [UInt8]($0) } }
let arguments = CommandLine.arguments
if arguments[1] == "fill" {
    try await Fill.run(Array(arguments.dropFirst(2)))
    exit(0)
}
let folder = arguments.count > 3 ? arguments[3] : "."
let host = Host(
    entryWay: arguments.contains("--keys") ? .key : .link, logPath: arguments[1], routesFile: bytes(folder + "/routes.json"),
    pluginsFile: bytes(folder + "/plugins.json"))
var settings = DashboardSettings()
settings.read(ProcessInfo.processInfo.environment)
let dashboard = Dashboard(host: host, settings: settings)
/// With DASHBOARD_STATIC the page's files are read anew for each request, under the real headers.
struct FilesFromDisk: RouterMiddleware {
    typealias Context = BasicRequestContext
    let folder: String

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response = try await next(request, context)
        let path = request.uri.path
        let name = path == "/" ? "index.html" : path.hasPrefix("/ui/") ? String(path.dropFirst(4)) : ""
        guard !name.isEmpty, !name.contains("/"), let body = bytes(folder + "/" + name) else { return response }
        response.headers[.eTag] = nil
        response.headers[.contentLength] = nil
        response.status = .ok
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        return response
    }
}

let router = Router()
if let folder = ProcessInfo.processInfo.environment["DASHBOARD_STATIC"] { router.add(middleware: FilesFromDisk(folder: folder)) }
dashboard.addRoutes(to: router)
if let link = dashboard.makeLink() { print("http://127.0.0.1:\(arguments[2])\(link)") }
fflush(nil)
try await Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: Int(arguments[2]) ?? 8099))
).runService()
