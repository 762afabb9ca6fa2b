import KimiK2TransformLogic
import PluginABI
import PluginKit
import WireJSON

/// A request with a configuration and a model, told by the bytes of one input.
struct RequestInput: CustomStringConvertible {
    private static let configurations = [
        "{}", #"{"family":"k2"}"#, #"{"family":"k2-thinking"}"#, #"{"family":"k2.5"}"#, #"{"family":"k3"}"#,
        #"{"ids":"native"}"#, #"{"ids":"unique"}"#, #"{"repairs":{"history_ids":false,"history_markup":false}}"#,
    ]
    private static let models = ["kimi-k2", "kimi-k2-thinking", "kimi-k2.5", "kimi-k3"]

    private let config: String
    private let model: String
    private let json: [UInt8]

    /// nil if there are too few bytes.
    init?(_ data: UnsafeRawBufferPointer) {
        guard data.count > 2 else { return nil }
        config = Self.configurations[Int(data[0]) % 8]
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
        guard Self.isObject(json) else { return first == json ? nil : "what is no object was changed" }
        guard Self.isObject(first) else { return "the request is no JSON object any more: \(Self.text(first))" }
        // Prompt caches hold only if what is right already stays as it is.
        guard let second = host.begin(transform, first, model), second == first else {
            return "what was rewritten is rewritten again: \(Self.text(first))"
        }
        return nil
    }

    private static func isObject(_ json: [UInt8]) -> Bool {
        guard let value = try? JSONParser().parse(json) else { return false }
        return value.kind == .object
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
