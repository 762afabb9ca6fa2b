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
    let hasKeys: Bool
    let isEnding = false
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
    func replay(sequence: Int64) async -> [UInt8]? { Array(#"{"same":false,"recorded":"data: one\ndata: two","replayed":"data: one\ndata: 2"}"#.utf8) }
}
func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { [UInt8]($0) } }
let arguments = CommandLine.arguments
if arguments[1] == "fill" {
    try await Fill.run(Array(arguments.dropFirst(2)))
    exit(0)
}
let folder = arguments.count > 3 ? arguments[3] : "."
let host = Host(
    hasKeys: arguments.contains("--keys"), logPath: arguments[1], routesFile: bytes(folder + "/routes.json"),
    pluginsFile: bytes(folder + "/plugins.json"))
var settings = DashboardSettings()
settings.read(ProcessInfo.processInfo.environment)
let dashboard = Dashboard(host: host, settings: settings)
let router = Router()
dashboard.addRoutes(to: router)
if let link = dashboard.makeLink() { print("http://127.0.0.1:\(arguments[2])\(link)") }
fflush(nil)
try await Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: Int(arguments[2]) ?? 8099))
).runService()
