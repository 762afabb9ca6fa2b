import WireJSON

/// Names that stand twice in one object, which parsers take in different ways.
enum JSONKeys {
    /// The first such name anywhere in the text; nil for a text without, or one that is no JSON.
    static func repeated(in text: UnsafeRawBufferPointer) -> String? {
        guard let value = try? JSONSpans.value(of: text) else { return nil }
        switch value.kind {
        case .object:
            var seen: Set<String> = []
            for member in (try? JSONSpans.members(of: text)) ?? [] {
                if !seen.insert(member.key).inserted { return member.key }
                let inner = UnsafeRawBufferPointer(rebasing: text[member.valueRange])
                if let key = repeated(in: inner) { return key }
            }
        case .array:
            for element in (try? JSONSpans.elements(of: text)) ?? [] {
                let inner = UnsafeRawBufferPointer(rebasing: text[element.valueRange])
                if let key = repeated(in: inner) { return key }
            }
        default: break
        }
        return nil
    }
}
