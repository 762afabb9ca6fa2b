import CanonicalModel
import WireJSON

extension InputDecoder {
    /// A reasoning item: the text becomes `reasoning_content`; what its envelope carries becomes what it was; an
    /// `encrypted_content` that is none of ours rides along with its item.
    mutating func addReasoning(_ item: Fields) throws(ExchangeError) {
        var draft = takeDraft()
        defer { self.draft = draft }
        if let content = try item.string("encrypted_content") {
            if let json = ReasoningEnvelope.open(content) {
                let isWhole = json.withBytes { Self.unpack($0, into: &draft) }
                if isWhole { return }
            } else {
                draft.addReasoningItem(item.object)
            }
        }
        let hasContent = try addTexts(item, "content", separator: "", &draft)
        if !hasContent { _ = try addTexts(item, "summary", separator: #"\n\n"#, &draft) }
    }

    /// True if the envelope had the reasoning's text, so that the item's own is a copy.
    private static func unpack(_ json: UnsafeRawBufferPointer, into draft: inout AssistantDraft) -> Bool {
        // Someone may have cut or forged it: what is no JSON is no reasoning.
        guard String(validating: json, as: UTF8.self) != nil, let outline = try? JSONOutline(json) else { return false }
        return withExtendedLifetime(outline) {
            let root = outline.root
            let thinking = root["thinking"].flatMap { $0.kind == .string ? $0 : nil }
            if let thinking { draft.addReasoning(thinking.inner) }
            if let signature = root["signature"], signature.kind == .string {
                draft.addThinking(thinking, signature: signature)
            }
            for block in root["blocks"]?.objects ?? [] { draft.addThinkingBlock(block) }
            for detail in root["reasoning_details"]?.objects ?? [] { draft.addDetail(detail) }
            for extra in root["tool_call_extras"]?.objects ?? [] { draft.addExtra(extra) }
            return thinking != nil
        }
    }

    private func addTexts(
        _ item: Fields, _ list: StaticString, separator: StaticString, _ draft: inout AssistantDraft
    ) throws(ExchangeError) -> Bool {
        guard let parts = try item.array(list) else { return false }
        var count = 0
        for element in parts.elements {
            let part = try Fields(element, item.place.inside(list, count))
            if count > 0 {
                draft.addReasoning(
                    UnsafeRawBufferPointer(start: separator.utf8Start, count: separator.utf8CodeUnitCount))
            }
            draft.addReasoning(try part.required("text").inner)
            count += 1
        }
        return count > 0
    }
}

extension JSONSpan {
    /// The elements that are objects.
    fileprivate var objects: [JSONSpan] { elements.filter { $0.kind == .object } }
}
