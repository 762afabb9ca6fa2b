internal import CPlatform
package import CanonicalModel
package import JSONSchema
package import Logging
import PluginABI

/// A configured provider. Immutable after `init`; its calls may come from any event loop.
///
/// `@unchecked`: the pointers are to static tables and to an object that the ABI declares safe for any thread.
package final class ProviderInstance: @unchecked Sendable {
    package let name: String
    /// What it is an instance of, and was configured with.
    package let library: PluginLibrary
    package let config: ConfigNode
    let table: UnsafePointer<kimi_provider>
    /// The library's auth machine, if it has one.
    let auth: UnsafePointer<kimi_auth>?
    let instance: OpaquePointer
    /// The instance in child processes, if that is where the plugin runs.
    let remote: RemoteInstance?
    /// The framing that the manifest asks for.
    package let framing: PluginFraming
    /// Client dialects that the upstream speaks itself.
    package let dialects: [String]
    private let hosts: AllowedHosts
    private let keys: SigningKeys
    private let live = LiveSecrets()
    private let mask: SecretMask
    private let context: PluginContextRecord
    /// For every call into it.
    let mark: PluginMark
    /// False for a stand-in, whose functions must not be called.
    private let isReal: Bool

    /// Calls the plugin's create. Throws its own words when it refuses the configuration.
    package init(
        _ plugin: LoadedPlugin, name: String, config: ConfigNode, logger: Logger, services: PluginServices
    ) throws(ExchangeError) {
        guard let table = plugin.provider else {
            throw ExchangeError(KIMI_CAT_CONFIG, "\(plugin.file) offers no provider")
        }
        let mark = plugin.mark
        (self.name, self.mark, self.isReal) = (name, mark, true)
        self.library = plugin.library
        self.config = config
        self.table = table
        self.auth = plugin.auth
        self.framing = plugin.manifest.provided(.provider)?.frames ?? .raw
        self.dialects = plugin.manifest.provided(.provider)?.dialects ?? []
        self.hosts = AllowedHosts(
            patterns: plugin.manifest.hosts,
            urls: plugin.configSchema.values(marked: "x-host", in: config).compactMap(\.node.string))
        var config = config
        let secrets = plugin.secrets(in: config)
        let keys = try plugin.keys(takenFrom: &config, name: name)
        self.keys = keys
        let mask = SecretMask(secrets + keys.secrets, live: live)
        let context = PluginContextRecord(
            logger: PluginLogger(logger: logger, plugin: name, mask: mask),
            memory: services.memory(of: plugin.manifest.id))
        self.mask = mask
        self.context = context
        self.remote = try plugin.isolated?.create(.provider, name: name, context: context, config: config.jsonBytes)
        self.instance =
            remote != nil
            ? StandIn.instance
            : try PluginCreation.instance(name, mark, config) { config, instance, error in
                table.pointee.create(HostTable.pointer, context.opaque, config, instance, error)
            }
        library.instanceCreated()
    }

    deinit {
        guard isReal else { return }
        if remote == nil { mark.call(PG_DESTROY) { table.pointee.destroy(instance) } }
        library.instanceDestroyed()
    }

    /// Stands where a quarantined provider would: it has a name and what its manifest says, and no functions.
    package init(standingInFor plugin: LoadedPlugin?, name: String) {
        let provided = plugin?.manifest.provided(.provider)
        self.name = name
        self.library = plugin?.library ?? PluginLibrary(standingInFor: name)
        self.config = ConfigNode(.null)
        (self.table, self.instance) = (StandIn.table, StandIn.instance)
        (self.auth, self.remote) = (nil, nil)
        self.framing = provided?.frames ?? .raw
        self.dialects = provided?.dialects ?? []
        self.hosts = AllowedHosts(patterns: [], urls: [])
        self.keys = SigningKeys()
        self.mask = SecretMask([], live: live)
        self.context = PluginContextRecord(
            logger: PluginLogger(logger: Logger(label: "plugin"), plugin: name, mask: mask),
            memory: PluginMemory(capacity: 0))
        self.mark = PluginMark.of(PluginIdentity(file: name, sha256: ""))
        self.isReal = false
    }

    /// `text` with the instance's secrets hidden: upstreams like to repeat the key that they refuse.
    package func masked(_ text: String) -> String { mask.masked(text) }
    package func masked(_ bytes: [UInt8]) -> [UInt8] { mask.masked(bytes) }
    package func findsSecret(in bytes: UnsafeRawBufferPointer) -> Bool { mask.finds(in: bytes) }
    /// Bytes of the longest secret.
    package var longestSecret: Int { mask.longest }
    package func hides(_ text: String) -> Bool { mask.hides(text) }

    /// Can it be asked for tokens?
    package var fetchesTokens: Bool { auth != nil }

    /// Hides a token from now on wherever its text turns up.
    package func hide(_ token: [UInt8]) { live.add(token) }

    /// Carries out a SIGN step with one of the instance's keys.
    package func sign(_ planned: PlannedSignature) throws(SigningKey.Problem) -> [UInt8] { try keys.sign(planned) }

    /// May a plan of this instance talk to `url`? Nil, or the sentence that says why not.
    package func refusal(of url: String) -> String? { hosts.refusal(of: url, plugin: name) }
}

/// A configured transform; as `ProviderInstance`.
package final class TransformInstance: @unchecked Sendable {
    package let name: String
    /// What it is an instance of, and was configured with.
    package let library: PluginLibrary
    package let config: ConfigNode
    let mark: PluginMark
    let table: UnsafePointer<kimi_transform>
    let instance: OpaquePointer
    let remote: RemoteInstance?
    private let context: PluginContextRecord
    private let mask: SecretMask

    package init(
        _ plugin: LoadedPlugin, name: String, config: ConfigNode, logger: Logger, services: PluginServices
    ) throws(ExchangeError) {
        guard let table = plugin.transform else {
            throw ExchangeError(KIMI_CAT_CONFIG, "\(plugin.file) offers no transform")
        }
        let mark = plugin.mark
        (self.name, self.mark) = (name, mark)
        self.library = plugin.library
        self.config = config
        self.table = table
        var config = config
        let secrets = plugin.secrets(in: config)
        let mask = SecretMask(secrets + (try plugin.keys(takenFrom: &config, name: name)).secrets)
        let context = PluginContextRecord(
            logger: PluginLogger(logger: logger, plugin: name, mask: mask),
            memory: services.memory(of: plugin.manifest.id))
        self.mask = mask
        self.context = context
        self.remote = try plugin.isolated?.create(.transform, name: name, context: context, config: config.jsonBytes)
        self.instance =
            remote != nil
            ? StandIn.instance
            : try PluginCreation.instance(name, mark, config) { config, instance, error in
                table.pointee.create(HostTable.pointer, context.opaque, config, instance, error)
            }
        library.instanceCreated()
    }

    /// `text` with the instance's secrets hidden.
    package func masked(_ text: String) -> String { mask.masked(text) }
    package func masked(_ bytes: [UInt8]) -> [UInt8] { mask.masked(bytes) }
    package func findsSecret(in bytes: UnsafeRawBufferPointer) -> Bool { mask.finds(in: bytes) }
    /// Bytes of the longest secret.
    package var longestSecret: Int { mask.longest }

    deinit {
        if remote == nil { mark.call(PG_DESTROY) { table.pointee.destroy(instance) } }
        library.instanceDestroyed()
    }
}

/// What stands where a plugin's objects would, of one in quarantine or in another process; nothing ever looks at it.
private enum StandIn {
    nonisolated(unsafe) static let table: UnsafePointer<kimi_provider> = {
        let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
        table.initialize(to: kimi_provider())
        return UnsafePointer(table)
    }()

    static var instance: OpaquePointer { OpaquePointer(table) }
}

private enum PluginCreation {
    typealias Create = (kimi_bytes, UnsafeMutablePointer<OpaquePointer?>, OpaquePointer) -> kimi_status

    static func instance(
        _ name: String, _ mark: PluginMark, _ config: ConfigNode, _ create: Create
    ) throws(ExchangeError) -> OpaquePointer {
        let json = config.jsonBytes
        let errors = ErrorRecord()
        var instance: OpaquePointer?
        let status = mark.call(PG_CREATE) {
            json.withUnsafeBytes { create(kimi_bytes($0), &instance, errors.opaque) }
        }
        PluginSafety.rechain()
        if status.isFailure { throw errors.take(status, mark, plugin: name, PG_CREATE) }
        guard let instance else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(name)' returned no instance from create")
        }
        return instance
    }
}

extension LoadedPlugin {
    /// Takes the `x-sign-key` values out of `config` and leaves references: no plugin sees a key.
    fileprivate func keys(takenFrom config: inout ConfigNode, name: String) throws(ExchangeError) -> SigningKeys {
        let keys = SigningKeys(takingFrom: &config, schema: configSchema)
        if let mistake = keys.mistakes.first {
            throw ExchangeError(KIMI_CAT_CONFIG, "\(mistake.path) \(mistake.message) (plugin \(name))")
        }
        return keys
    }

    /// A use's configuration as JSON, its secrets hidden.
    package func masked(_ config: ConfigNode) -> [UInt8] {
        let keys = configSchema.values(marked: "x-sign-key", in: config).compactMap(\.node.string)
        return SecretMask(secrets(in: config) + keys).masked(config.jsonBytes)
    }

    /// Values of the configuration's `x-secret` properties, to be masked wherever they turn up.
    func secrets(in config: ConfigNode) -> [String] {
        configSchema.values(marked: "x-secret", in: config).compactMap(\.node.string)
    }
}
