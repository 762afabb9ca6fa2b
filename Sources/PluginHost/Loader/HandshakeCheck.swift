internal import PluginABI

/// Makes the error objects that a handshake lends to a plugin. The bridge implements it with its `kimi_error`.
package protocol HandshakeServices {
    /// A fresh error object; it lives until `dispose`.
    func makeError() -> OpaquePointer
    /// The sentence given to `kimi_host.fail` on this object, or nil if it was not called.
    func describe(_ error: OpaquePointer) -> String?
    func dispose(_ error: OpaquePointer)
}

/// What a plugin answered to its entry call, checked.
struct HandshakeAnswer {
    var manifest: PluginManifest
    var provider: UnsafePointer<kimi_provider>?
    var auth: UnsafePointer<kimi_auth>?
    var transform: UnsafePointer<kimi_transform>?
    var quiesce: (@convention(c) () -> Void)?
}

/// Calls a plugin's entry and checks everything that comes back before anything else of the plugin is called.
struct HandshakeCheck {
    typealias Entry = @convention(c) (UnsafeMutablePointer<kimi_handshake>?, OpaquePointer?) -> kimi_status

    let host: UnsafePointer<kimi_host>
    let services: any HandshakeServices
    let file: String
    let entryAddress: UnsafeMutableRawPointer
    /// nil where the file is not ELF: then code is not told from data.
    let elf: ElfFile?

    func run() throws(PluginLoadError) -> HandshakeAnswer {
        let handshake = try callEntry()
        try checkMinor(handshake)
        let manifest = try manifest(handshake)
        do {
            var answer = HandshakeAnswer(manifest: manifest)
            try fill(&answer, handshake)
            return answer
        } catch {
            throw error.at(.interfaces, file)
        }
    }

    // MARK: entry

    private func callEntry() throws(PluginLoadError) -> kimi_handshake {
        var handshake = kimi_handshake()
        handshake.struct_size = UInt32(MemoryLayout<kimi_handshake>.size)
        handshake.host_minor = UInt32(ABIVersion.host.minor)
        handshake.host = host
        let error = services.makeError()
        defer { services.dispose(error) }
        let status = unsafeBitCast(entryAddress, to: Entry.self)(&handshake, error)
        guard status != KIMI_OK.rawValue else { return handshake }
        // Other results >= 0 are open to later minors everywhere but here: an entry says yes or no.
        guard status < 0 else {
            throw StepFailure(
                message: "the entry returned \(status), which is neither KIMI_OK nor an error",
                cure: "return KIMI_OK, or a negative status after host->fail"
            ).at(.entry, file)
        }
        let reason = services.describe(error) ?? "it gives no reason"
        throw StepFailure(
            message: "the plugin refuses to start (\(Self.name(of: status))): \(reason)",
            cure: "see the plugin's own documentation"
        ).at(.entry, file)
    }

    private func checkMinor(_ handshake: kimi_handshake) throws(PluginLoadError) {
        let ours = ABIVersion.host
        guard handshake.needs_minor <= UInt32(ours.minor) else {
            throw StepFailure(
                message: "the plugin needs a host of ABI \(ours.major).\(handshake.needs_minor), this host has \(ours)",
                cure: "update the host, or use an older version of the plugin"
            ).at(.entry, file)
        }
    }

    // MARK: manifest

    private func manifest(_ handshake: kimi_handshake) throws(PluginLoadError) -> PluginManifest {
        do {
            return try parseManifest(handshake)
        } catch {
            throw PluginLoadError(file: file, step: .manifest, message: error.message, cure: error.cure)
        }
    }

    private func parseManifest(_ handshake: kimi_handshake) throws(PluginManifest.Invalid) -> PluginManifest {
        let slice = handshake.manifest
        guard let start = slice.ptr, slice.len > 0 else {
            throw .init(message: "there is no manifest", cure: "set handshake->manifest to static JSON text")
        }
        guard slice.len <= PluginManifest.maxBytes else {
            throw .init(
                message:
                    "the manifest has \(slice.len) bytes, more than the \(PluginManifest.maxBytes) this host reads",
                cure: "set handshake->manifest.len to the length of the text")
        }
        let manifest = try PluginManifest(parsing: Array(UnsafeBufferPointer(start: start, count: slice.len)))
        let major = ABIVersion.host.major
        let built = ABIVersion(major: major, minor: Int(handshake.plugin_minor))
        let needs = ABIVersion(major: major, minor: Int(handshake.needs_minor))
        guard manifest.built == built, manifest.needs == needs else {
            throw .init(
                message:
                    "'abi' says built \(manifest.built), needs \(manifest.needs); the handshake says built \(built), "
                    + "needs \(needs)", cure: "make the two agree")
        }
        return manifest
    }

    // MARK: interfaces

    private func fill(_ answer: inout HandshakeAnswer, _ handshake: kimi_handshake) throws(StepFailure) {
        guard let getInterface = handshake.get_interface else {
            throw StepFailure(message: "get_interface is NULL", cure: "set handshake->get_interface")
        }
        let inspector = TableInspector(entryAddress: entryAddress, elf: elf)
        try inspector.checkFunction(unsafeBitCast(getInterface, to: UnsafeRawPointer.self), "get_interface")
        if let quiesce = handshake.quiesce {
            try inspector.checkFunction(unsafeBitCast(quiesce, to: UnsafeRawPointer.self), "quiesce")
            answer.quiesce = quiesce
        }
        for interface in answer.manifest.provides.compactMap(\.interface) {
            guard let table = interface.rawValue.withCString({ getInterface($0) }) else {
                throw StepFailure(
                    message: "the manifest provides \(interface.rawValue), and get_interface returns NULL for it",
                    cure: "return its table, or take it out of 'provides'")
            }
            try inspector.check(table, interface)
            switch interface {
            case .provider: answer.provider = table.assumingMemoryBound(to: kimi_provider.self)
            case .auth: answer.auth = table.assumingMemoryBound(to: kimi_auth.self)
            case .transform: answer.transform = table.assumingMemoryBound(to: kimi_transform.self)
            }
        }
    }

    private static func name(of status: kimi_status) -> String {
        let names = [
            "ARG", "CONFIG", "STATE", "PROTOCOL", "UPSTREAM", "AUTH", "LIMIT", "NOMEM", "UNSUPPORTED", "INTERNAL",
            "CANCELLED", "VERSION",
        ]
        let index = -1 - Int(status)
        return names.indices.contains(index) ? "KIMI_E_\(names[index])" : "status \(status)"
    }
}
