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

    /// Makes the request's history the model's own again, and takes part in every answer.
    public func begin(
        _ request: RequestView, _ editor: RequestEditor
    ) throws(PluginFailure) -> (changed: Bool, exchange: (any TransformExchange)?) {
        let name = String(decoding: request.model, as: UTF8.self)
        let reading = RequestReading(json: request.json)
        let settings = UpwardSettings(
            config: config, modelName: name, memory: context.keyValues, conversation: Array(request.conversation))
        var upward = Upward(request.json, reading, settings)
        let patch = upward.patch()
        if let patch { try editor.mergePatch(patch) }
        tell(upward.notes, editor)
        var options = config.options(modelName: name, asksForThought: upward.asksForThought)
        options.conversation = upward.conversation
        if options.ids == .unique { options.idSeed = idSeed() }
        let exchange = KimiK2Exchange(
            options: options, tools: DeclaredTools(json: reading.tools), context: context, recorder: upward.recorder())
        return (patch != nil, exchange)
    }

    private func tell(_ all: [UpwardNote], _ editor: RequestEditor) {
        guard !all.isEmpty else { return }
        let notes = context.notes
        for note in all {
            notes?.request(editor, note.kind, count: note.count, detail: note.detail)
            context.log(KIMI_LOG_DEBUG, "request: \(note.kind), \(note.count) times: \(note.detail)")
        }
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
