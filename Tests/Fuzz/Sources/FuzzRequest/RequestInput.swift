import KimiK2TransformLogic
import PluginABI
import PluginKit
import WireJSON

/// A request with a configuration and a model, told by the bytes of one input.
struct RequestInput: CustomStringConvertible {
    private static let configurations = [
        "{}", #"{"family":"k2"}"#, #"{"family":"k2-thinking"}"#, #"{"family":"k2.5"}"#, #"{"family":"k3"}"#,
        #"{"ids":"native"}"#, #"{"ids":"unique"}"#, #"{"repairs":{"history_ids":false,"history_markup":false}}"#,
        #"{"schemas":"moonshot","reasoningPlaceholder":"always"}"#, #"{"toolChoice":"no-thinking"}"#,
        #"{"toolChoice":"degrade","repairs":{"history_reasoning":false,"history_text":false}}"#,
    ]
    private static let models = ["kimi-k2", "kimi-k2-thinking", "kimi-k2.5", "kimi-k3"]

    private let config: String
    private let model: String
    private let json: [UInt8]

    /// nil if there are too few bytes.
    init?(_ data: UnsafeRawBufferPointer) {
        guard data.count > 2 else { return nil }
        config = Self.configurations[Int(data[0]) % Self.configurations.count]
        model = Self.models[Int(data[1]) % 4]
        json = Array(data[2...])
    }

    var description: String { "\(config) \(model)\n\(String(decoding: json, as: UTF8.self))" }

    /// What is wrong with what the upstream would get.
    func fault() -> String? {
        let host = FuzzHost()
        guard let transform = host.transform(config: config) else { return "create fails" }
        guard let first = host.begin(transform, json, model) else { return nil }
        guard let again = host.begin(transform, json, model), again == first else {
            return "the second time the request becomes something else"
        }
        // The host refuses what is no JSON object, before and after.
        guard Self.isObject(json) else { return nil }
        guard Self.isObject(first) else { return "the request is no JSON object any more: \(Self.text(first))" }
        // Prompt caches hold only if what is right already stays as it is. Where half a marker stands right before
        // another, taking that out makes a new one.
        if Self.hasHalfMarkers(json) { return beginningFault(first, transform, host) }
        guard let second = host.begin(transform, first, model), second == first else {
            return "what was rewritten is rewritten again: \(Self.text(first))"
        }
        return beginningFault(first, transform, host)
    }

    private static func hasHalfMarkers(_ json: [UInt8]) -> Bool {
        withJSON(json) { root in
            var texts: [String] = []
            collect(root, &texts)
            return texts.contains { MarkupTokens.isNested($0, with: MarkupTokens.openers) || isTornTag($0) }
        } ?? false
    }

    /// Does a marker stand inside a tag of K3, as in `<|open|>me<|im_end|>ssage<|sep|>`?
    private static func isTornTag(_ text: String) -> Bool {
        var isOpen = false
        for token in MarkupTokens.split(text) where MarkupTokens.isMarker(token) {
            if isOpen, token != "<|sep|>" { return true }
            isOpen = token == "<|open|>" || token == "<|close|>"
        }
        return false
    }

    private static func collect(_ value: JSONValue, _ texts: inout [String]) {
        if let text = value.string { texts.append(text) }
        for element in value.elements { collect(element, &texts) }
        for (key, member) in value.members {
            texts.append(String(decoding: key, as: UTF8.self))
            collect(member, &texts)
        }
    }

    /// Every turn's history is the beginning of the next one's: cut before the last answer, it comes out as it did.
    private func beginningFault(_ first: [UInt8], _ transform: KimiK2Transform, _ host: FuzzHost) -> String? {
        guard let cut = Self.cutBeforeLastAnswer(json), let before = host.begin(transform, cut, model),
            let whole = Self.messages(first), let beginning = Self.messages(before)
        else { return nil }
        let isKept = whole.starts(with: beginning.dropLast())
        return isKept ? nil : "the beginning is another one: \(Self.text(beginning))\n\(Self.text(whole))"
    }

    /// The request without its last answer and what follows; nil if there is none, or if a key is there twice.
    private static func cutBeforeLastAnswer(_ json: [UInt8]) -> [UInt8]? {
        json.withUnsafeBytes { bytes in
            guard let range = messagesRange(bytes),
                let list = try? JSONSpans.elements(of: UnsafeRawBufferPointer(rebasing: bytes[range])),
                let last = list.lastIndex(where: { element in
                    let text = bytes[(range.lowerBound + element.valueRange.lowerBound)...]
                    let own = UnsafeRawBufferPointer(rebasing: text.prefix(element.valueRange.count))
                    let role = (try? JSONSpans.members(of: own))?.last { $0.key == "role" }
                    return role.map { own[$0.valueRange].elementsEqual("\"assistant\"".utf8) } ?? false
                }), last > 0
            else { return nil }
            let end = range.lowerBound + list[last - 1].valueRange.upperBound
            return Array(bytes[..<end]) + [UInt8(ascii: "]")] + Array(bytes[range.upperBound...])
        }
    }

    private static func messages(_ json: [UInt8]) -> [UInt8]? {
        json.withUnsafeBytes { bytes in messagesRange(bytes).map { Array(bytes[$0]) } }
    }

    private static func messagesRange(_ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let all = try? JSONSpans.members(of: bytes) else { return nil }
        let own = all.filter { $0.key == "messages" }
        // A name with escapes is the host's to read, not the transform's.
        guard own.count == 1, let one = own.first, one.keyRange.count == 10 else { return nil }
        return one.valueRange
    }

    private static func isObject(_ json: [UInt8]) -> Bool {
        withJSON(json) { $0.isObject } ?? false
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
