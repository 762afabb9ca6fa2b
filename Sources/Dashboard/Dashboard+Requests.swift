import HTTPTypes
import Hummingbird
import RequestLog
import WireJSON

/// Lists and single exchanges.
extension Dashboard {
    static let maxLimit: Int64 = 500
    /// Looks at a replay, 10 ms apart, before its answer begins without it.
    private static let promptLooks = 40

    var log: LogPool {
        get throws(DashboardError) {
            guard let pool else { throw .logOff }
            return pool
        }
    }

    private struct Page: Sendable {
        var rows: [LogRow]
        var newest: Int64
        var oldest: Int64
        var total: Int
    }

    func list(_ request: Request) async throws(DashboardError) -> Response {
        let filter = try RequestFilter.read(request, now: clock())
        let before = try RequestFilter.number(request, "before")
        let after = try RequestFilter.number(request, "after")
        let limit = try RequestFilter.number(request, "limit") ?? Int64(settings.batch)
        guard (1...Self.maxLimit).contains(limit) else {
            throw .parameter("limit", "must be from 1 to \(Self.maxLimit)")
        }
        guard before == nil || after == nil else { throw .parameter("after", "goes not together with before") }
        let page = try await log.read { reader throws(LogError) in
            let newest = try reader.newest()
            let rows =
                if let after {
                    try reader.list(filter, after: after, limit: Int(limit))
                } else {
                    try reader.list(filter, before: before, limit: Int(limit))
                }
            return Page(rows: rows, newest: newest, oldest: try reader.oldest(), total: try reader.totals().entries)
        }
        let out = ByteWriter(capacity: 32 << 10)
        SummaryJSON.items(page.rows, to: out)
        if after == nil, page.rows.count == Int(limit), let last = page.rows.last {
            out.append(utf8: ",\"next\":\(last.sequence)")
        }
        out.append(utf8: ",\"newest\":\(page.newest),\"oldest\":\(page.oldest),\"total\":\(page.total)}")
        return Reply.json(out.bytes)
    }

    func detail(_ id: String) async throws(DashboardError) -> Response {
        let found = try await log.read { reader throws(LogError) -> (row: LogRow, notes: [LogBodyNote])? in
            guard let row = try reader.find(id) else { return nil }
            return (row, try reader.bodyNotes(of: row))
        }
        guard let found else { throw Self.noExchange(id) }
        let object = JSONObjectWriter()
        object.array("bodies", found.notes) { note, object in
            object.text("kind", note.kind)
            object.number("attempt", Int64(note.attempt))
            object.number("place", Int64(note.place))
            object.number("total", Int64(note.total))
        }
        var bytes = Array(found.row.json.utf8)
        let members = object.end()
        if members.count > 2, bytes.last == UInt8(ascii: "}") {
            bytes.removeLast()
            bytes += [UInt8(ascii: ",")] + members.dropFirst()
        }
        return Reply.json(bytes)
    }

    func body(_ id: String, _ request: Request) async throws(DashboardError) -> Response {
        let kind = try RequestFilter.text(request, "kind")
        let attempt = try RequestFilter.number(request, "attempt") ?? 0
        let place = try RequestFilter.number(request, "place") ?? 0
        let found = try await log.read { reader throws(LogError) -> (note: LogBodyNote, bytes: [UInt8])? in
            guard let row = try reader.find(id),
                let note = try reader.bodyNotes(of: row).first(where: {
                    $0.kind == kind && Int64($0.attempt) == attempt && Int64($0.place) == place
                })
            else { return nil }
            return (note, try reader.bytes(of: note, in: row))
        }
        guard let found else { throw .notFound("this body was not kept, or is no longer there") }
        var response = Reply.make(.ok, type: "text/plain; charset=utf-8", found.bytes)
        if let name = HTTPField.Name("x-total-length") { response.headers[name] = "\(found.note.total)" }
        return response
    }

    func curl(_ id: String, _ request: Request) async throws(DashboardError) -> Response {
        let base = (settings.isSecure ? "https://" : "http://") + Self.plain(request.head.authority ?? "127.0.0.1:8000")
        let text = try await log.read { reader throws(LogError) -> String? in
            guard let row = try reader.find(id) else { return nil }
            return CurlCommand.text(of: row, bodies: try reader.bodies(of: row), base: base)
        }
        guard let text else { throw Self.noExchange(id) }
        return Reply.make(.ok, type: "text/plain; charset=utf-8", Array(text.utf8))
    }

    func replay(_ id: String) async throws(DashboardError) -> Response {
        let sequence = try await log.read { reader throws(LogError) in try reader.find(id)?.sequence }
        guard let sequence else { throw Self.noExchange(id) }
        let run = ReplayRun(host, sequence: sequence)
        for _ in 0..<Self.promptLooks {
            switch run.answer {
            case .done(let json): return Reply.json(json)
            case .busy(let most):
                throw DashboardError(
                    .tooManyRequests, "too_many", "\(most) replays run already: wait for one to end")
            case .notAvailable: throw .notAvailable("replay")
            case nil: try? await Task.sleep(for: .milliseconds(10))
            }
        }
        return Response(
            status: .ok, headers: Reply.headers("application/json"),
            body: ResponseBody(asyncSequence: ReplayStream(run: run)))
    }

    func clearCooldowns(_ request: Request) async throws(DashboardError) -> Response {
        let route = try await member("route", of: request)
        guard let count = host.clearCooldowns(route: route) else {
            throw route == nil ? .notAvailable("clearing cooldowns") : .parameter("route", "there is no such route")
        }
        let object = JSONObjectWriter()
        object.number("cleared", Int64(count))
        return Reply.json(object.end())
    }

    private static func noExchange(_ id: String) -> DashboardError {
        .notFound("there is no exchange '\(id.prefix(100))'; it may have been removed to make room")
    }

    /// An authority that a shell and a reader take for nothing else.
    private static func plain(_ authority: String) -> String {
        String(authority.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".:-[]".contains($0)) })
    }
}
