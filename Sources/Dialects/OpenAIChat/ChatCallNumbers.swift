import CanonicalModel
import WireJSON

/// The `index` of each call in a streamed choice: those of events and those of kinds that no event tells of share one
/// row of numbers, because clients put calls together by them.
struct ChatCallNumbers {
    private var calls: [UInt32: Int64] = [:]
    private var foreign: [Int64: Int64] = [:]
    private var next: Int64 = 0

    mutating func ofCall(_ index: UInt32) -> Int64 {
        if let number = calls[index] { return number }
        defer { next += 1 }
        calls[index] = next
        return next
    }

    /// The array of foreign calls (or pieces of them) with numbers of this row; nil if there are none.
    mutating func numbered(_ json: UnsafeRawBufferPointer, _ repairs: Repairs) -> ByteWriter? {
        let out = ByteWriter(capacity: json.count + 32)
        for (position, element) in ((try? JSONSpans.elements(of: json)) ?? []).enumerated() {
            let call = UnsafeRawBufferPointer(rebasing: json[element.valueRange])
            guard element.kind == .object, let members = try? JSONSpans.members(of: call) else {
                repairs.add(.dropped, "a tool call that is no object")
                continue
            }
            let said = members.last { $0.key == "index" }
                .flatMap { Int64(String(decoding: call[$0.valueRange], as: UTF8.self)) }
            out.append(out.count == 0 ? "[" : ",")
            write(members.filter { $0.key != "index" }, of: call, ofForeign(said ?? Int64(position)), to: out)
        }
        guard out.count > 0 else { return nil }
        out.append("]")
        return out
    }

    private mutating func ofForeign(_ index: Int64) -> Int64 {
        if let number = foreign[index] { return number }
        defer { next += 1 }
        foreign[index] = next
        return next
    }

    private func write(_ members: [JSONMember], of call: UnsafeRawBufferPointer, _ number: Int64, to out: ByteWriter) {
        out.append(#"{"index":"#)
        out.append(int: number)
        for member in members {
            out.append(",")
            out.append(bytes: UnsafeRawBufferPointer(rebasing: call[member.keyRange]))
            out.append(":")
            out.append(json: UnsafeRawBufferPointer(rebasing: call[member.valueRange]))
        }
        out.append("}")
    }
}
