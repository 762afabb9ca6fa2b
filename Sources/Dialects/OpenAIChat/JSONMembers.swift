import CanonicalModel
import PluginABI
import WireJSON

/// Members of a JSON object that the host passes on without knowing them.
struct JSONMembers {
    /// Different members that are kept; further ones are left out.
    static let maxMembers = 64

    private var members: [(name: [UInt8], value: MemberValue)] = []

    /// Bytes of all names and values.
    var byteCount: Int { members.reduce(0) { $0 + $1.name.count + $1.value.count } }

    /// A later value replaces an earlier one. False: there is no room.
    @discardableResult
    mutating func set(_ name: kimi_bytes, _ json: kimi_bytes) -> Bool {
        put(name.buffer) { _ in .json(MemberValue.bytes(json.buffer)) }
    }

    /// A member that may come in pieces: lists and texts grow, all else is replaced.
    mutating func add(_ event: CanonicalEvent, _ repairs: Repairs) {
        if !add(event.b.buffer, event.a.buffer) {
            repairs.add(.dropped, "member '\(LogText.oneLine(event.b.text))', one more than \(Self.maxMembers)")
        }
    }

    mutating func add(_ name: UnsafeRawBufferPointer, _ json: UnsafeRawBufferPointer) -> Bool {
        put(name) { MemberValue.joined($0, name, json) }
    }

    private mutating func put(_ name: UnsafeRawBufferPointer, _ value: (MemberValue?) -> MemberValue) -> Bool {
        if let index = members.firstIndex(where: { $0.name.elementsEqual(name) }) {
            let before = members[index].value
            members[index].value = .json([])
            members[index].value = value(before)
        } else if members.count < Self.maxMembers {
            members.append((Array(name), value(nil)))
        } else {
            return false
        }
        return true
    }

    /// `"name":json` for each, with a comma before each or behind each.
    func write(to out: ByteWriter, leadingComma: Bool) {
        for (name, value) in members {
            if leadingComma { out.append(",") }
            name.withUnsafeBytes { out.appendJSONString($0) }
            out.append(":")
            value.write(to: out)
            if !leadingComma { out.append(",") }
        }
    }

    /// The object alone.
    func writeObject(to out: ByteWriter) {
        let inner = ByteWriter(capacity: byteCount + 16)
        write(to: inner, leadingComma: false)
        inner.truncate(to: inner.count - 1)
        out.append("{")
        out.append(inner)
        out.append("}")
    }
}

/// A member's value, in pieces where upstreams send some.
enum MemberValue {
    case json([UInt8])
    /// What stands between the brackets of an array, or the quotes of a string.
    case list(ByteWriter)
    case text(ByteWriter)
    indirect case object(JSONMembers)

    /// The value after `json` has come: lists one behind the other, a refusal's text and the lists of log
    /// probabilities too. Other values replace what was there, except that null does not.
    static func joined(
        _ before: MemberValue?, _ name: UnsafeRawBufferPointer, _ json: UnsafeRawBufferPointer
    ) -> MemberValue {
        guard let value = try? JSONSpans.value(of: json) else { return before ?? .json(bytes(json)) }
        let text = UnsafeRawBufferPointer(rebasing: json[value.valueRange])
        let inner = UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast())
        switch value.kind {
        case .null: return before ?? .json(bytes(text))
        case .array: return list(before, text, inner)
        case .string where name.matches("refusal"):
            let out = if case .text(let out) = before { out } else { ByteWriter(capacity: inner.count) }
            out.append(bytes: inner)
            return .text(out)
        case .object where name.matches("logprobs"): return object(before, text)
        default: return .json(bytes(text))
        }
    }

    private static func list(
        _ before: MemberValue?, _ text: UnsafeRawBufferPointer, _ inner: UnsafeRawBufferPointer
    ) -> MemberValue {
        let out = if case .list(let out) = before { out } else { ByteWriter(capacity: inner.count) }
        guard inner.contains(where: { !$0.isJSONSpace }) else { return .list(out) }
        if out.count > 0 { out.append(",") }
        out.append(json: inner)
        return .list(out)
    }

    private static func object(_ before: MemberValue?, _ text: UnsafeRawBufferPointer) -> MemberValue {
        var members = if case .object(let members) = before { members } else { JSONMembers() }
        for member in (try? JSONSpans.members(of: text)) ?? [] {
            let piece = UnsafeRawBufferPointer(rebasing: text[member.valueRange])
            let name = Array(member.key.utf8)
            name.withUnsafeBytes { _ = members.add($0, piece) }
        }
        return .object(members)
    }

    static func bytes(_ json: UnsafeRawBufferPointer) -> [UInt8] { json.isEmpty ? Array("null".utf8) : Array(json) }

    var count: Int {
        switch self {
        case .json(let json): json.count
        case .list(let out), .text(let out): out.count + 2
        case .object(let members): members.byteCount
        }
    }

    func write(to out: ByteWriter) {
        switch self {
        case .json(let json): json.withUnsafeBytes { out.append(json: $0) }
        case .list(let inner): write(inner, "[", "]", to: out)
        case .text(let inner): write(inner, "\"", "\"", to: out)
        case .object(let members): members.writeObject(to: out)
        }
    }

    private func write(_ inner: ByteWriter, _ open: StaticString, _ close: StaticString, to out: ByteWriter) {
        out.append(open)
        out.append(inner)
        out.append(close)
    }
}
