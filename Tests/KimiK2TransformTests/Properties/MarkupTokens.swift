/// The markup of both grammars as the tests know it, written down a second time on purpose: a spelling that is lost
/// from the transform's table must not vanish from its tests too.
enum MarkupTokens {
    static let sectionBegins = ["<|tool_calls_section_begin|>", "<|tool_call_section_begin|>"]
    static let sectionEnds = ["<|tool_calls_section_end|>", "<|tool_call_section_end|>"]
    static let callBegin = "<|tool_call_begin|>"
    static let callEnd = "<|tool_call_end|>"
    static let argumentBegin = "<|tool_call_argument_begin|>"
    static let roles = ["<|im_assistant|>", "<|im_system|>", "<|im_user|>"]
    static let frame = ["<|im_end|>", "<|im_middle|>"] + roles
    static let thinking = ["<think>", "</think>"]
    /// Tags of k1.5; where they make no sense they are text, since no other model knows them.
    static let legacy = ["◁think▷", "◁/think▷"]
    static let k2 = sectionBegins + sectionEnds + [callBegin, callEnd, argumentBegin]
    static let k3 = ["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"]
    /// What means something at the start of an answer only.
    static let openers = ["(no content)", "<thinking>", "</thinking>", "<reasoning>", "</reasoning>"]
    static let all = k2 + frame + thinking + legacy + k3

    /// What a model of this family says as control tokens.
    static func ofFamily(_ model: String) -> [String] { model == "k3" ? k3 : k2 + frame + thinking }

    /// The control tokens of the grammar that `text` is written in, by its first marker; nil if it holds those of
    /// both, of which one is then only text.
    static func ofGrammar(of text: String) -> [String]? {
        let found = split(text).filter(isMarker)
        let isK3 = found.contains { k3.contains($0) }
        if isK3, found.contains(where: { !k3.contains($0) }) { return nil }
        return isK3 ? k3 : k2 + frame + thinking
    }

    /// The text cut before and after each marker.
    static func split(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        let spellings = all.map { Array($0.utf8) }
        var tokens: [String] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let found =
                bytes[index] == 0x3C || bytes[index] == 0xE2
                ? spellings.first { bytes[index...].starts(with: $0) } : nil
            guard let found else {
                index += 1
                continue
            }
            if start < index { tokens.append(String(decoding: bytes[start..<index], as: UTF8.self)) }
            tokens.append(String(decoding: found, as: UTF8.self))
            index += found.count
            start = index
        }
        if start < bytes.count { tokens.append(String(decoding: bytes[start...], as: UTF8.self)) }
        return tokens
    }

    static func isMarker(_ token: String) -> Bool { all.contains(token) }

    /// The first of these markers inside `text`.
    static func first(of markers: [String], in text: String) -> String? {
        text.utf8.contains(0x3C) ? split(text).first { markers.contains($0) } : nil
    }

    /// Does the beginning of a marker stand right before another? Then a marker may appear when that is taken out, as
    /// of `<|tool_<|im_end|>call_end|>`.
    static func isNested(_ text: String, with more: [String] = []) -> Bool {
        let tokens = split(text)
        return zip(tokens, tokens.dropFirst()).contains { token, next in
            !isMarker(token) && isMarker(next) && endsLike(all + more, token)
        }
    }

    private static func endsLike(_ words: [String], _ token: String) -> Bool {
        guard let at = token.lastIndex(where: { "<◁(".contains($0) }) else { return false }
        return words.contains { $0.hasPrefix(token[at...]) }
    }
}
