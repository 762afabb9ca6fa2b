import CanonicalModel
import PluginABI
import WireJSON

/// Members of a JSON object that the host passes on without knowing them. A later value replaces an earlier one.
struct JSONMembers {
    private var members: [(name: [UInt8], json: [UInt8])] = []

    /// Bytes of all names and values.
    var byteCount: Int { members.reduce(0) { $0 + $1.name.count + $1.json.count } }

    mutating func set(_ name: kimi_bytes, _ json: kimi_bytes) {
        let value = json.len > 0 ? Array(json.buffer) : Array("null".utf8)
        if let index = members.firstIndex(where: { $0.name.elementsEqual(name.buffer) }) {
            members[index].json = value
        } else {
            members.append((Array(name.buffer), value))
        }
    }

    /// `"name":json` for each, with a comma before each or behind each.
    func write(to out: ByteWriter, leadingComma: Bool) {
        for (name, json) in members {
            if leadingComma { out.append(",") }
            name.withUnsafeBytes { out.appendJSONString($0) }
            out.append(":")
            json.withUnsafeBytes { out.append(json: $0) }
            if !leadingComma { out.append(",") }
        }
    }
}
