internal import WireJSON

/// What the config adds to every request: where OpenRouter may send it, and what else it shall do with it. A client's
/// own members stay unless the config has them too.
enum RoutingPatch {
    /// For chat, as JSON text.
    static func chat(_ root: JSONValue) -> String {
        var patch = Patch()
        patch.add("provider", provider(root))
        for key in ["models", "route", "transforms", "plugins"] { patch.add(key, root.member(key)?.json) }
        if root["usage"]?.bool ?? true { patch.add("usage", Array(#"{"include":true}"#.utf8)) }
        return patch.text
    }

    /// For completions and embeddings.
    static func other(_ root: JSONValue) -> String {
        var patch = Patch()
        patch.add("provider", provider(root))
        return patch.text
    }

    /// The routing object over the short forms, which the environment fills.
    private static func provider(_ root: JSONValue) -> [UInt8]? {
        let own = root["provider"]
        var patch = Patch()
        for key in ["order", "only", "sort", "allow_fallbacks"] where own?.member(key) == nil {
            patch.add(key, root.member(key)?.json)
        }
        own?.forEachMember { key, value in patch.add(String(decoding: key, as: UTF8.self), value.json) }
        return patch.isEmpty ? nil : Array(patch.text.utf8)
    }
}

/// A JSON object in the making.
private struct Patch {
    private let out = ByteWriter(capacity: 256)
    private(set) var isEmpty = true

    /// Adds a member, if it has a value.
    mutating func add(_ name: String, _ json: [UInt8]?) {
        guard let json else { return }
        out.append(isEmpty ? "{" : ",")
        isEmpty = false
        out.appendJSONString(name)
        out.append(":")
        out.append(bytes: json)
    }

    var text: String { isEmpty ? "{}" : String(decoding: out.bytes, as: UTF8.self) + "}" }
}
