import CanonicalModel
package import WireJSON

/// Puts the beginning of a reply behind a canonical request's messages, for its upstream to go on with.
package enum Prefill {
    /// The request with `text` as its last message, the assistant's own; nil if its last message leaves no room for one.
    /// Everything else keeps its bytes. An empty text changes nothing: then the reply begins anew.
    package static func add(_ text: [UInt8], _ style: ResumeStyle, to json: [UInt8]) throws(JSONError) -> [UInt8]? {
        guard !text.isEmpty else { return json }
        let list = try json.withBytes { bytes throws(JSONError) -> ByteWriter? in
            try messages(of: bytes, with: text, style)
        }
        guard let list else { return nil }
        var changed = try replace("messages", list.bytes, in: json)
        if style == .continueFinalMessage {
            changed = try replace("continue_final_message", Array("true".utf8), in: changed)
            changed = try replace("add_generation_prompt", Array("false".utf8), in: changed)
        }
        return changed
    }

    private static func replace(_ key: String, _ value: [UInt8], in json: [UInt8]) throws(JSONError) -> [UInt8] {
        try value.withBytes { value throws(JSONError) in
            try json.withBytes { json throws(JSONError) in try JSONEdit.replaceMember(key, with: value, in: json) }
        }
    }

    private static func messages(
        of json: UnsafeRawBufferPointer, with text: [UInt8], _ style: ResumeStyle
    ) throws(JSONError) -> ByteWriter? {
        guard let member = try JSONSpans.members(of: json).last(where: { $0.key == "messages" }) else { return nil }
        let list = UnsafeRawBufferPointer(rebasing: json[member.valueRange])
        guard let last = try JSONSpans.elements(of: list).last else { return nil }
        let message = UnsafeRawBufferPointer(rebasing: list[last.valueRange])
        let out = ByteWriter(capacity: list.count + text.count + 128)
        // The client's own beginning of the reply, and this goes on with it.
        if try isOfAssistant(message) {
            guard let begun = try content(of: message) else { return nil }
            out.append(bytes: UnsafeRawBufferPointer(rebasing: list[..<last.valueRange.lowerBound]))
            write(begun, text, style, to: out)
        } else {
            out.append(bytes: UnsafeRawBufferPointer(rebasing: list[..<last.valueRange.upperBound]))
            out.append(",")
            write([], text, style, to: out)
        }
        out.append(bytes: UnsafeRawBufferPointer(rebasing: list[last.valueRange.upperBound...]))
        return out
    }

    private static func isOfAssistant(_ message: UnsafeRawBufferPointer) throws(JSONError) -> Bool {
        let role = try JSONSpans.members(of: message).last { $0.key == "role" }
        return role.map { message[$0.valueRange].elementsEqual("\"assistant\"".utf8) } ?? false
    }

    /// What is between the quotes of the content, if the message is that and nothing else.
    private static func content(of message: UnsafeRawBufferPointer) throws(JSONError) -> [UInt8]? {
        var found: [UInt8]?
        for member in try JSONSpans.members(of: message) {
            switch member.key {
            case "role", "prefix", "partial", "name": break
            case "content" where member.kind == .string:
                found = Array(message[member.valueRange].dropFirst().dropLast())
            default: return nil
            }
        }
        return found
    }

    /// `begun`: JSON text of a string, without its quotes.
    private static func write(_ begun: [UInt8], _ text: [UInt8], _ style: ResumeStyle, to out: ByteWriter) {
        out.append(#"{"role":"assistant","content":""#)
        begun.withUnsafeBytes { out.append(bytes: $0) }
        text.withUnsafeBytes { out.appendJSONEscaped($0) }
        out.append("\"")
        switch style {
        case .prefix: out.append(#","prefix":true"#)
        case .partial: out.append(#","partial":true"#)
        case .assistant, .continueFinalMessage: break
        }
        out.append("}")
    }
}
