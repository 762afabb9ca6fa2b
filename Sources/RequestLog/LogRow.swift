import GRDB
import WireJSON

/// One exchange as it is listed.
package struct LogRow: Sendable {
    /// In the order of writing; the cursor of pages.
    package let sequence: Int64
    package let id: String
    /// Unix milliseconds.
    package let ended: Int64
    package let model: String
    package let provider: String
    package let dialect: String
    package let outcome: String
    package let status: Int
    /// Milliseconds.
    package let duration: Int64
    package let input: Int64?
    package let output: Int64?
    package let repairs: Int
    /// All that is known but the bodies, as JSON.
    package let detail: [UInt8]

    init(row: Row) throws {
        (sequence, id, ended, model) = (row[0], row[1], row[2], row[3])
        (provider, dialect, outcome, status) = (row[4], row[5], row[6], row[7])
        (duration, input, output, repairs) = (row[8], row[9], row[10], row[11])
        let packed = try row.withUnsafeData(atIndex: 12) { data in data.map { [UInt8]($0) } ?? [] }
        detail = try Zstd.unpacked(packed)
    }

    /// One line of JSON: all that is known, without the bodies. `sequence` comes first.
    package var json: String { String(decoding: numbered, as: UTF8.self) }

    private var numbered: [UInt8] { Array("{\"sequence\":\(sequence),".utf8) + detail.dropFirst() }

    /// As ``json``, with a member `bodies`: those whose bytes are UTF-8 as text, others as `{"base64": …}`.
    package func json(with bodies: [LogBody]) -> String {
        let object = JSONObjectWriter()
        object.array("bodies", bodies) { body, object in
            object.text("kind", body.kind.name)
            if body.attempt > 0 { object.number("attempt", Int64(body.attempt)) }
            if body.kind == .change { object.number("place", Int64(body.place)) }
            if body.isCut { object.number("total", Int64(body.total)) }
            if let text = String(validating: body.bytes, as: UTF8.self) {
                object.text("text", text)
            } else {
                object.text("base64", Base64Text.encoded(body.bytes))
            }
        }
        let members = object.end()
        guard members.count > 2, detail.last == UInt8(ascii: "}") else { return json }
        return String(decoding: numbered.dropLast() + [UInt8(ascii: ",")] + members.dropFirst(), as: UTF8.self)
    }
}

/// One kept body.
package struct LogBody: Sendable {
    /// 0 for the client's.
    package let attempt: Int
    package let kind: BodyKind
    /// Among the changes of its attempt, from 0.
    package let place: Int
    /// Its true length; more than `bytes` if it was longer than the bound.
    package let total: Int
    package let bytes: [UInt8]

    package var isCut: Bool { bytes.count < total }
}

package enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encoded(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            let value = piece.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 {
                out.append(place <= piece.count ? alphabet[value >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
