import CanonicalModel
package import JSONSchema
package import PluginABI
package import PluginHost

/// A loaded library with the configuration it is checked with.
package struct PluginUnderTest: @unchecked Sendable {
    // As LoadedPlugin: static tables, mapped for the life of the process.
    package let plugin: LoadedPlugin
    package let kind: Transcript.Kind
    package let config: ConfigNode

    package init(_ plugin: LoadedPlugin, config: ConfigNode) {
        self.plugin = plugin
        self.config = config
        kind = plugin.provider != nil ? .provider : .transform
    }

    package var framing: PluginManifest.Frames { plugin.manifest.provided(.provider)?.frames ?? .raw }

    /// May a plan go there? Nil, or the host's sentence.
    func refusal(of url: String, config: ConfigNode) -> String? {
        AllowedHosts(
            patterns: plugin.manifest.hosts,
            urls: plugin.configSchema.values(marked: "x-host", in: config).compactMap(\.node.string)
        ).refusal(of: url, plugin: plugin.manifest.name)
    }

    /// Loads with the kit's own host table and error objects. A plugin in Python gets the process that the host would
    /// give it, and tables whose calls go there.
    package static func load(_ file: String, insecurePaths: Bool) throws(PluginLoadError) -> PluginInspection {
        let loader = PluginLoader(
            host: KitHost.pointer, services: KitHandshake(), insecurePaths: insecurePaths)
        var inspection = try loader.inspect(file: file, sidecar: try loader.sidecar(beside: file))
        inspection.plugin = try inspection.plugin.called(PythonProcess.report)
        return inspection
    }
}

/// Error objects for the entry call.
struct KitHandshake: HandshakeServices {
    static let run = KitRun()

    func makeError() -> OpaquePointer {
        // Without address space nothing works: the number 16 is as good as any handle then.
        Handles.lend(ErrorNote(run: Self.run))
            ?? OpaquePointer(UnsafeRawPointer(bitPattern: 16) ?? UnsafeRawPointer(KitHost.pointer))
    }

    func describe(_ error: OpaquePointer) -> String? {
        guard let note = Handles.find(error, ErrorNote.self, "fail"), !note.message.isEmpty else { return nil }
        return String(decoding: note.message, as: UTF8.self)
    }

    func dispose(_ error: OpaquePointer) { Handles.revoke(error) }
}

/// How a call failed.
package struct CallFailure: Error, Equatable, Sendable {
    package var function: String
    package var status: kimi_status
    package var category: UInt32
    package var retryAfterMs: UInt64
    package var message: String
}

/// One configured instance of the plugin under test.
final class KitInstance: @unchecked Sendable {
    // The instance is for any thread by the ABI; the rest is immutable.
    let plugin: PluginUnderTest
    let run: KitRun
    let config: ConfigNode
    let lending: LendingMode
    let pointer: OpaquePointer
    private let context: OpaquePointer?

    init(
        _ plugin: PluginUnderTest, config: ConfigNode? = nil, configBytes: [UInt8]? = nil,
        behaviour: HostBehaviour = HostBehaviour(), lending: LendingMode = .copies,
        host: UnsafePointer<kimi_host> = KitHost.pointer
    ) throws(CallFailure) {
        let config = config ?? plugin.config
        let run = KitRun(behaviour: behaviour)
        let context = Handles.lend(ContextRecord(run: run))
        let call = PluginCall(run, lending)
        let json = call.lending.take(configBytes ?? config.jsonBytes)
        // Never a plausible address: a plugin that leaves it alone is found out.
        var instance: OpaquePointer?
        let (provider, transform) = (plugin.plugin.provider, plugin.plugin.transform)
        let create = provider?.pointee.create ?? transform?.pointee.create
        let status = call.make("create") { error in
            create.map { $0(host, context, json, &instance, error) } ?? KIMI_E_INTERNAL.rawValue
        }
        if let failure = call.failure(status) {
            if instance != nil { run.breach(.state, "create failed and set *instance (S02): leave it alone") }
            Handles.revoke(context)
            KitInstance.lastFailureBreaches = run.breaches
            throw failure
        }
        guard let instance else {
            Handles.revoke(context)
            throw CallFailure(
                function: "create", status: status, category: 0, retryAfterMs: 0,
                message: "create returned \(status) and left *instance NULL")
        }
        (self.plugin, self.run, self.config, self.lending) = (plugin, run, config, lending)
        (self.context, pointer) = (context, instance)
    }

    /// What a failed create broke besides; read at once, on the same thread.
    nonisolated(unsafe) static var lastFailureBreaches: [Breach] = []

    deinit {
        let destroy = plugin.plugin.provider?.pointee.destroy ?? plugin.plugin.transform?.pointee.destroy
        run.call("destroy") { destroy?(pointer) }
        Handles.revoke(context)
    }
}
