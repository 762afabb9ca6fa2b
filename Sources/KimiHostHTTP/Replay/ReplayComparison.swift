/// What a client got, cut into lines that can be compared: an event each, or a member each of one whole answer.
///
/// What is made up anew each time counts as the same: ids (the first of one side is the first of the other), times of
/// making, keep-alives.
package enum ReplayComparison {
    /// Lines compared one by one; of longer replies only a common beginning and end are taken off.
    private static let maxLines = 20_000

    /// Lines that differ, `- ` as recorded, `+ ` as of today; empty: none.
    package static func differences(recorded: [UInt8], today: [UInt8], dropsTail: Bool = false) -> [String] {
        var (old, new) = (lines(recorded), lines(today))
        if dropsTail {
            // The client had gone: how much it had been sent is chance.
            let count = max(0, min(old.count, new.count) - 1)
            (old, new) = (Array(old.prefix(count)), Array(new.prefix(count)))
        }
        guard old != new else { return [] }
        let front = zip(old, new).prefix { $0 == $1 }.count
        (old, new) = (Array(old[front...]), Array(new[front...]))
        let back = zip(old.reversed(), new.reversed()).prefix { $0 == $1 }.count
        (old, new) = (Array(old.dropLast(back)), Array(new.dropLast(back)))
        guard old.count + new.count <= maxLines else { return old.map { "- " + $0 } + new.map { "+ " + $0 } }
        return new.difference(from: old).map { change in
            switch change {
            case .remove(_, let line, _): "- " + line
            case .insert(_, let line, _): "+ " + line
            }
        }
    }

    static func lines(_ reply: [UInt8]) -> [String] {
        var ids = MadeUpIDs()
        let isEvents = reply.starts(with: "data:".utf8) || reply.starts(with: "event:".utf8) || reply.first == 0x3A
        let parts = isEvents ? eventLines(reply) : members(reply)
        return parts.map { ids.settled($0) }
    }

    /// Without comments and empty lines.
    private static func eventLines(_ reply: [UInt8]) -> [[UInt8]] {
        reply.split(separator: 0x0A).filter { $0.first != 0x3A && $0 != [0x0D] }.map(Array.init)
    }

    /// A JSON text, broken behind each comma and opening bracket outside of its texts.
    private static func members(_ json: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var (isText, isEscaped) = (false, false)
        for byte in json {
            line.append(byte)
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == 0x5C {
                    isEscaped = true
                } else if byte == 0x22 {
                    isText = false
                }
            } else if byte == 0x22 {
                isText = true
            } else if byte == 0x2C || byte == 0x7B || byte == 0x5B {
                lines.append(line)
                line = []
            }
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }
}

/// Replaces ids by their order of appearance, and times of making by 0.
struct MadeUpIDs {
    private static let prefixes = [
        "call_", "chatcmpl-", "msg_", "resp_", "toolu_", "fc_", "rs_", "gen-", "req_", "cmpl-",
    ].map { Array($0.utf8) }
    private static let times = ["\"created\":", "\"created_at\":", "\"completed_at\":"].map { Array($0.utf8) }
    /// Shorter ones are not made up.
    private static let minBytes = 6

    private var known: [[UInt8]: Int] = [:]

    mutating func settled(_ line: [UInt8]) -> String {
        var result: [UInt8] = []
        var place = 0
        while place < line.count {
            let isStart = place == 0 || !Self.isWord(line[place - 1])
            if isStart, let prefix = Self.prefixes.first(where: { line[place...].starts(with: $0) }) {
                let end = line[place...].firstIndex { !Self.isWord($0) } ?? line.count
                guard end - place - prefix.count >= Self.minBytes else {
                    result.append(line[place])
                    place += 1
                    continue
                }
                let number = known[Array(line[place..<end]), default: known.count + 1]
                known[Array(line[place..<end])] = number
                result += prefix + Array("#\(number)".utf8)
                place = end
            } else if line[place] == 0x22, let name = Self.times.first(where: { line[place...].starts(with: $0) }) {
                result += name + [0x30]
                place += name.count
                while place < line.count, line[place] == 0x20 || (0x30...0x39).contains(line[place]) { place += 1 }
            } else {
                result.append(line[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            || byte == 0x2D
    }
}
