internal import PluginABI
public import PluginKit
public import WireJSON

/// `extra_body` of a provider's config, as a merge patch.
///
/// Keys are JSON pointers (`/chat_template_kwargs/thinking`) or plain member names. Values are set there, objects
/// member by member; `null` removes. Arrays are replaced whole, so a pointer cannot go into one.
public enum ExtraBody {
    private final class Node {
        var children: [(name: String, node: Node)] = []
        /// JSON text.
        var value: [UInt8]?

        func child(_ name: String) -> Node {
            if let known = children.first(where: { $0.name == name }) { return known.node }
            let node = Node()
            children.append((name, node))
            return node
        }

        func write(to out: ByteWriter) {
            if let value { return out.append(bytes: value) }
            out.append("{")
            for (number, child) in children.enumerated() {
                if number > 0 { out.append(",") }
                out.appendJSONString(child.name)
                out.append(":")
                child.node.write(to: out)
            }
            out.append("}")
        }
    }

    /// Segments of one pointer, at most.
    private static let maxDepth = 32

    /// The merge patch; nil if there is nothing to do. Fails with a sentence that names the key.
    public static func patch(_ config: JSONValue?) throws(PluginFailure) -> [UInt8]? {
        guard let config, config.isObject, config.elementCount > 0 || config.members.contains(where: { _ in true })
        else { return nil }
        let root = Node()
        for (key, value) in config.members {
            try add(String(decoding: key, as: UTF8.self), value.json, to: root)
        }
        let out = ByteWriter(capacity: 256)
        root.write(to: out)
        return out.bytes
    }

    private static func add(_ key: String, _ value: [UInt8], to root: Node) throws(PluginFailure) {
        let path = key.hasPrefix("/") ? try segments(key) : [key]
        guard let first = path.first, !first.isEmpty else { throw fail(key, "names nothing; write /NAME") }
        guard first != "stream" else { throw fail(key, "cannot be set: whether to stream is the client's choice") }
        guard path.count <= maxDepth else { throw fail(key, "has more than \(maxDepth) parts") }
        var node = root
        for segment in path {
            guard node.value == nil else {
                throw fail(key, "lies inside a value that another key sets; set one of them")
            }
            node = node.child(segment)
        }
        guard node.value == nil, node.children.isEmpty else {
            throw fail(key, "is set twice, or holds what another key sets; set one of them")
        }
        node.value = value
    }

    /// The parts of an RFC 6901 pointer.
    private static func segments(_ pointer: String) throws(PluginFailure) -> [String] {
        var result: [String] = []
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard part != "-", part.isEmpty || !part.allSatisfy(\.isASCIIDigit) else {
                throw fail(pointer, "points into an array; give the array whole under the name it has")
            }
            result.append(try unescaped(part, pointer))
        }
        return result
    }

    private static func unescaped(_ part: Substring, _ pointer: String) throws(PluginFailure) -> String {
        var result = ""
        var rest = part[...]
        while let character = rest.popFirst() {
            guard character == "~" else {
                result.append(character)
                continue
            }
            switch rest.popFirst() {
            case "0": result.append("~")
            case "1": result.append("/")
            default: throw fail(pointer, "has a ~ that is neither ~0 (for ~) nor ~1 (for /)")
            }
        }
        return result
    }

    private static func fail(_ key: String, _ what: String) -> PluginFailure {
        PluginFailure(KIMI_E_CONFIG, KIMI_CAT_CONFIG, "extra_body: the key '\(key)' \(what).")
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) && utf8.count == 1 }
}

/// Merge patches made at configuration time.
enum MergePatch {
    /// One patch that does what `first` and then `second` do: both are objects of JSON text.
    static func combine(_ first: [UInt8], _ second: [UInt8]) throws(JSONError) -> [UInt8] {
        let out = ByteWriter(capacity: first.count + second.count)
        let a = try members(first)
        let b = try members(second)
        var separator: StaticString = "{"
        for (key, value) in a {
            out.append(separator)
            separator = ","
            out.appendJSONString(key)
            out.append(":")
            let later = b.last { $0.key == key }?.value
            if let later, isObject(later), isObject(value) {
                out.append(bytes: try combine(value, later))
            } else {
                out.append(bytes: later ?? value)
            }
        }
        for (key, value) in b where !a.contains(where: { $0.key == key }) {
            out.append(separator)
            separator = ","
            out.appendJSONString(key)
            out.append(":")
            out.append(bytes: value)
        }
        if a.isEmpty, b.isEmpty { out.append("{") }
        out.append("}")
        return out.bytes
    }

    private static func members(_ text: [UInt8]) throws(JSONError) -> [(key: String, value: [UInt8])] {
        try text.withUnsafeBytesTyped { text throws(JSONError) in
            try JSONSpans.members(of: text).map { ($0.key, [UInt8](text[$0.valueRange])) }
        }
    }

    private static func isObject(_ value: [UInt8]) -> Bool { value.first == UInt8(ascii: "{") }
}
