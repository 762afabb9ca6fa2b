import WireJSON

/// A parameter's value that was written as plain text, between two tags.
enum PlainValue {
    /// Appends `text` as JSON: of one of `kinds`, which the schema allows, if it can be read so; where the schema does not
    /// say, as an object or array if it is one; else as a string.
    static func append(_ text: ArraySlice<UInt8>, as kinds: ValueKinds, to json: ByteWriter) {
        let allowed = kinds == .any ? .container : kinds.contains(.string) ? [] : kinds
        let value = Array(Array(text).trimmed)
        if let kind = withJSON(value, { ValueKinds($0.kind) }), allowed.contains(kind) {
            value.withUnsafeBytes { json.append(bytes: $0) }
        } else if allowed.contains(.bool), let word = boolean(value) {
            json.append(utf8: word)
        } else {
            text.withUnsafeBytes { json.appendJSONString($0) }
        }
    }

    /// `True` and its like.
    private static func boolean(_ text: [UInt8]) -> String? {
        let word = String(decoding: text, as: UTF8.self).lowercased()
        return word == "true" || word == "false" ? word : nil
    }
}

extension ParameterSchema {
    /// The kinds that the parameter `name` may be; any if nothing is said of it.
    func kinds(ofParameter name: String) -> ValueKinds {
        Array(name.utf8).withUnsafeBytes { place(in: root, .member($0))?.kinds } ?? .any
    }
}
