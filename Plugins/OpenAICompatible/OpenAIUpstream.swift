internal import PluginABI
public import PluginKit
internal import WireJSON

/// An upstream that speaks the OpenAI chat API: what all exchanges of one provider instance share. Immutable,
/// but for a pool of work memory.
public final class OpenAIUpstream: Sendable {
    let url: String
    let headers: [OpenAIOptions.Header]
    /// The merge patch of a streamed request and of a plain one; nil = the request goes up as it is.
    let streamPatch: [UInt8]?
    let plainPatch: [UInt8]?
    let canonical: CanonicalOptions
    let context: PluginContext
    let pool = WorkspacePool()
    let patches = PatchPool()

    /// Fails with a sentence if the URL or the patch is not one.
    public init(_ options: OpenAIOptions, context: PluginContext) throws(PluginFailure) {
        self.context = context
        headers = options.headers
        canonical = options.canonical
        url = try ChatURL.make(options.baseURL)
        let extra = Array(options.bodyPatch.utf8)
        // The client's own stream_options stay: a merge patch adds to them.
        let stream = Array(#"{"stream":true,"stream_options":{"include_usage":true}}"#.utf8)
        streamPatch = try Self.combine(stream, extra)
        let plain = try Self.combine(Array("{}".utf8), extra)
        plainPatch = plain == Array("{}".utf8) ? nil : plain
    }

    /// Starts an attempt.
    public func begin(_ request: RequestView) -> any ProviderExchange {
        let patch = request.wantsStream ? streamPatch : plainPatch
        guard Self.isForeign(request) else {
            return OpenAIExchange(self, isStream: request.wantsStream)
        }
        let adapted = patches.take()
        let losses = CanonicalAdapter.adapt(request.json, canonical, base: patch, to: adapted)
        return OpenAIExchange(self, isStream: request.wantsStream, adapted: adapted, losses: losses)
    }

    /// Does the request come from a client that does not speak Chat? An unnamed dialect is taken for Chat.
    private static func isForeign(_ request: RequestView) -> Bool {
        !request.isNative && !request.dialect.isEmpty && !request.dialect.matches("openai.chat")
    }

    /// Appends the members of `second` to those of `first`: both are objects, and a later name wins.
    private static func combine(_ first: [UInt8], _ second: [UInt8]) throws(PluginFailure) -> [UInt8] {
        do {
            return try first.withUnsafeBytes { first in
                try second.withUnsafeBytes { second in
                    let mine = try JSONSpans.members(of: first).isEmpty
                    let theirs = try JSONSpans.members(of: second).isEmpty
                    let head = first.dropLast()
                    return Array(head) + (mine || theirs ? [] : [UInt8(ascii: ",")]) + Array(second.dropFirst())
                }
            }
        } catch {
            throw PluginFailure(
                KIMI_E_CONFIG, KIMI_CAT_CONFIG, "The extra request members are not a JSON object: \(error).")
        }
    }
}
