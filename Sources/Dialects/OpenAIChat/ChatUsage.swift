import CanonicalModel
import PluginABI
import WireJSON

/// The `usage` object of chat replies.
enum ChatUsage {
    /// The upstream's own members as they came, and the standard ones that it left out or that are no counts. Nil if
    /// nothing is known.
    static func json(_ event: CanonicalEvent, _ repairs: Repairs) -> ByteWriter? {
        var usage = Members(out: ByteWriter(capacity: max(256, event.a.len + 128)))
        copy(event.a.buffer, to: &usage, repairs)
        guard usage.count > 0 || event.i0 >= 0 || event.i1 >= 0 else { return nil }
        let input = usage.standard("prompt_tokens", event.i0)
        let output = usage.standard("completion_tokens", event.i1)
        // Upstreams and plugins may send any number.
        let (total, isTooMuch) = input.addingReportingOverflow(output)
        _ = usage.standard("total_tokens", isTooMuch ? .max : total)
        if event.i2 > 0 { usage.add("cached_tokens", event.i2, in: "prompt_tokens_details") }
        if event.i3 > 0 { usage.add("reasoning_tokens", event.i3, in: "completion_tokens_details") }
        usage.out.append("}")
        return usage.out
    }

    private static func copy(_ json: UnsafeRawBufferPointer, to usage: inout Members, _ repairs: Repairs) {
        guard !json.isEmpty, String(validating: json, as: UTF8.self) != nil,
            let members = try? JSONSpans.members(of: json)
        else { return }
        for member in members {
            let value = UnsafeRawBufferPointer(rebasing: json[member.valueRange])
            guard usage.admits(member, value) else {
                if member.kind != .null { repairs.add(.content, "usage.\(LogText.oneLine(member.key))") }
                continue
            }
            usage.add(member.key, value)
        }
    }

    /// Members that have been written.
    private struct Members {
        let out: ByteWriter
        private var names: Set<String> = []
        private var counts: [String: Int64] = [:]

        init(out: ByteWriter) {
            self.out = out
            out.append("{")
        }

        var count: Int { names.count }

        private static let counts: Set<String> = ["prompt_tokens", "completion_tokens", "total_tokens"]
        private static let details: Set<String> = ["prompt_tokens_details", "completion_tokens_details"]

        /// Is it new, and of its type where clients know one?
        mutating func admits(_ member: JSONMember, _ value: UnsafeRawBufferPointer) -> Bool {
            if names.contains(member.key) { return false }
            if Self.counts.contains(member.key) {
                guard member.kind == .int, let number = Int64(String(decoding: value, as: UTF8.self)), number >= 0
                else {
                    return false
                }
                counts[member.key] = number
            }
            return !Self.details.contains(member.key) || member.kind == .object
        }

        mutating func add(_ name: String, _ value: UnsafeRawBufferPointer) {
            begin(name)
            out.append(json: value)
        }

        /// Writes a count that is missing; 0 if it is unknown, because clients demand a number. Returns it.
        mutating func standard(_ name: String, _ value: Int64) -> Int64 {
            if let known = counts[name] { return known }
            begin(name)
            out.append(int: max(0, value))
            return max(0, value)
        }

        mutating func add(_ name: String, _ value: Int64, in wrapper: String) {
            guard !names.contains(wrapper) else { return }
            begin(wrapper)
            out.append(utf8: "{\"\(name)\":\(value)}")
        }

        private mutating func begin(_ name: String) {
            if !names.isEmpty { out.append(",") }
            names.insert(name)
            out.appendJSONString(name)
            out.append(":")
        }
    }
}
