internal import PluginKit
internal import WireJSON

/// The `extra_body` of a configuration: values by member name or JSON pointer (RFC 6901), made into one merge patch.
struct ExtraBody: Sendable {
    /// A JSON object; empty if there is nothing to change.
    private(set) var patch: [UInt8] = []

    /// A member on the way to a value.
    private final class Node {
        var names: [String] = []
        var children: [String: Node] = [:]
        var value: [UInt8]?
    }

    init() {}

    init(_ extra: JSONValue) throws(PluginFailure) {
        let root = Node()
        for (key, value) in extra.members {
            try Self.set(String(decoding: key, as: UTF8.self), value, root)
        }
        guard !root.names.isEmpty else { return }
        let out = ByteWriter()
        Self.write(root, to: out)
        patch = out.bytes
    }

    private static func set(_ key: String, _ value: JSONValue, _ root: Node) throws(PluginFailure) {
        var place = root
        for name in try steps(key) {
            guard place.value == nil else { throw .config("extra_body: '\(key)' lies inside another of its values.") }
            if place.children[name] == nil { place.names.append(name) }
            let child = place.children[name] ?? Node()
            place.children[name] = child
            place = child
        }
        guard place.names.isEmpty, place.value == nil else {
            throw .config("extra_body: '\(key)' is given twice, or has another of its values inside.")
        }
        place.value = value.json
    }

    private static func steps(_ key: String) throws(PluginFailure) -> [String] {
        guard key.first == "/" else { return [key] }
        var names: [String] = []
        for part in key.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard part.isEmpty || !part.allSatisfy({ $0.isASCII && $0.isNumber }), part != "-" else {
                throw .config("extra_body: '\(key)' points into a list; give the whole list.")
            }
            names.append(try unescaped(part, key))
        }
        return names
    }

    /// `~1` is a slash, `~0` a tilde.
    private static func unescaped(_ part: Substring, _ key: String) throws(PluginFailure) -> String {
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
            default: throw .config("extra_body: '\(key)' has a '~' that is neither ~0 nor ~1.")
            }
        }
        return result
    }

    private static func write(_ node: Node, to out: ByteWriter) {
        if let value = node.value { return out.append(bytes: value) }
        out.append("{")
        for (number, name) in node.names.enumerated() {
            if number > 0 { out.append(",") }
            out.appendJSONString(name)
            out.append(":")
            if let child = node.children[name] { write(child, to: out) }
        }
        out.append("}")
    }
}
