import WireJSON

/// `tool_call_extras`: what calls carry besides id, name and arguments, told by the calls' numbers.
enum CallExtras {
    /// One of its elements: its call's number and its other members, each with a comma before it.
    struct Element {
        let index: UInt32
        let members: [UInt8]
    }

    static func read(_ json: UnsafeRawBufferPointer) -> [Element] {
        guard let elements = try? JSONSpans.elements(of: json) else { return [] }
        return elements.compactMap { element in
            let text = UnsafeRawBufferPointer(rebasing: json[element.valueRange])
            guard let members = try? JSONSpans.members(of: text) else { return nil }
            let out = ByteWriter(capacity: text.count)
            var index: UInt32?
            for member in members {
                let value = UnsafeRawBufferPointer(rebasing: text[member.valueRange])
                if member.key == "index" {
                    index = UInt32(String(decoding: value, as: UTF8.self))
                    continue
                }
                out.append(",")
                out.appendJSONString(member.key)
                out.append(":")
                out.append(bytes: value)
            }
            return index.map { Element(index: $0, members: out.bytes) }
        }
    }

    static func write(_ elements: [Element]) -> [UInt8] {
        let out = ByteWriter(capacity: 256)
        for element in elements {
            out.append(out.count == 0 ? #"[{"index":"# : #",{"index":"#)
            out.append(uint: UInt64(element.index))
            out.append(bytes: element.members)
            out.append("}")
        }
        out.append(out.count == 0 ? "[]" : "]")
        return out.bytes
    }
}
