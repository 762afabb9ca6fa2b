import PluginABI
public import PluginKit

/// The plugin `kimi-k2`: makes legal text, thoughts and calls of what Kimi K2 models say.
public final class KimiK2Transform: TransformPlugin {
    /// Texts, calls and ends; the rest passes it by.
    public static let eventMask: UInt32 =
        [
            KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_BEGIN, KIMI_EVENT_TOOL_ARGS, KIMI_EVENT_TOOL_END,
            KIMI_EVENT_FINISH, KIMI_EVENT_ERROR,
        ].reduce(0) { $0 | 1 << $1.rawValue }

    private let config: KimiK2Config
    private let context: PluginContext

    /// Makes an instance; an empty configuration means all defaults.
    public init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {
        guard let read = KimiK2Config(json: Array(config)) else {
            throw PluginFailure(
                KIMI_E_CONFIG, KIMI_CAT_CONFIG, "kimi-k2: the configuration is not JSON; see docs/kimi-k2-transform.md."
            )
        }
        self.config = read
        self.context = context
    }

    /// Reads the request, changes nothing in it, and takes part in every answer.
    public func begin(
        _ request: RequestView, _ editor: RequestEditor
    ) throws(PluginFailure) -> (changed: Bool, exchange: (any TransformExchange)?) {
        let reading = RequestReading(json: request.json)
        var options = config.options(
            modelName: String(decoding: request.model, as: UTF8.self), asksForThought: reading.asksForThought)
        if options.ids == .unique { options.idSeed = idSeed() }
        return (false, KimiK2Exchange(options: options, tools: DeclaredTools(json: reading.tools), context: context))
    }

    /// A number that no other request has; a host without randomness has at least a clock.
    private func idSeed() -> UInt64 {
        var seed: UInt64 = 0
        let isRandom = withUnsafeMutableBytes(of: &seed) { bytes in
            (try? context.random(into: bytes)) != nil
        }
        return isRandom ? seed : context.monotonicNanoseconds ^ context.unixMilliseconds << 20
    }
}
