package import LogModel
import WireJSON

extension RecordedExchange {
    /// - Throws: if the row is not whole enough to be replayed: its sentence says why.
    package init(_ row: LogRow, bodies: [LogBody]) throws(LogError) {
        self.init()
        let parser = JSONParser()
        let root: JSONValue
        do {
            root = try parser.parse(row.detail)
        } catch {
            throw .broken("the row is no JSON: \(error.message)")
        }
        (id, model, dialect, status) = (row.id, row.model, row.dialect, row.status)
        began = root["began"]?.int ?? 0
        profile = root["profile"]?.string
        outcome = ExchangeRecord.Outcome(rawValue: row.outcome) ?? .failed
        request = try Self.body(.request, 0, root, "request", bodies)
        reply = try Self.body(.reply, 0, root, "reply", bodies)
        var values: [JSONValue] = []
        root["attempts"]?.forEachElement { values.append($0) }
        for value in values {
            attempts.append(try Self.attempt(value, Int(value["number"]?.int ?? 0), bodies))
        }
    }

    private static func attempt(_ value: JSONValue, _ number: Int, _ bodies: [LogBody]) throws(LogError) -> Attempt {
        var attempt = Attempt()
        attempt.provider = value["provider"]?.string ?? ""
        attempt.upstreamModel = value["upstream_model"]?.string ?? ""
        attempt.status = Int(value["status"]?.int ?? 0)
        attempt.end = value["end_ms"]?.int
        attempt.broke = value["broke"]?.string
        value["answer_headers"]?.forEachElement { header in
            attempt.headers.append(
                .init(name: header["name"]?.string ?? "", value: header["value"]?.string ?? ""))
        }
        attempt.request = try body(.upstreamRequest, number, value, "request", bodies)
        attempt.reply = try body(.upstreamReply, number, value, "reply", bodies)
        var numbers: [Int64] = []
        value["arrivals"]?.forEachElement { numbers.append($0.int ?? 0) }
        for place in stride(from: 0, to: numbers.count - 1, by: 2) {
            attempt.arrivals.append(.init(milliseconds: numbers[place], count: Int(numbers[place + 1])))
        }
        return attempt
    }

    private static func body(
        _ kind: BodyKind, _ attempt: Int, _ value: JSONValue, _ name: StaticString, _ bodies: [LogBody]
    ) throws(LogError) -> [UInt8] {
        let words = kind.name.replacing("_", with: " ")
        let found = bodies.first { $0.kind == kind && $0.attempt == attempt }
        if let found, !found.isCut { return found.bytes }
        let total = (value.member("\(name)_bytes")?.int ?? 0)
        guard total > 0 else { return [] }
        throw .setting(
            found == nil
                ? "its \(words) was not kept (log.bodies, log.models_without_bodies)"
                : "its \(words) was not kept whole (log.max_body_bytes, log.max_exchange_bytes)")
    }
}
