package import JSONSchema

extension PluginManifest {
    package static let maxBytes = 1 << 20

    /// What a manifest says wrongly; the caller knows the file.
    package struct Invalid: Error, Sendable, Equatable {
        package var message: String
        package var cure: String
    }

    /// Reads and checks a manifest's JSON text.
    package init(parsing json: [UInt8]) throws(Invalid) {
        let node: ConfigNode
        do {
            node = try ConfigNode(parsingJSON: json)
        } catch {
            throw Invalid(
                message:
                    "the manifest is not JSON: \(error.message) (line \(error.mark.line), column \(error.mark.column))",
                cure: "correct the manifest text in the plugin's source")
        }
        try self.init(node)
    }

    package init(_ node: ConfigNode) throws(Invalid) {
        let manifest = ManifestReader(node: node, path: "")
        guard node.object != nil else {
            throw Invalid(
                message: "the manifest is \(node.kindName), not an object", cure: "write {\"id\": …, \"name\": …}")
        }
        id = try manifest.string("id", like: "com.example.thing", where: ManifestText.isReverseDNS)
        name = try manifest.string("name", like: "My provider") { name in
            !name.isEmpty && name.count <= 100 && ManifestText.isPlain(name)
        }
        version = try manifest.string("version", like: "1.0.0", where: ManifestText.isVersion)
        license = try manifest.optionalString("license")
        if let license, !ManifestText.isPlain(license) {
            throw manifest.wrong("license", "has control characters", "write an SPDX identifier, such as MIT")
        }
        (built, needs) = try Self.abi(manifest)
        provides = try Self.provides(manifest)
        (configSchema, configSchemaNode) = try Self.schema(node["config_schema"])
        hosts = try manifest.strings("hosts").map { $0.lowercased() }
        for host in hosts where !ManifestText.isHostPattern(host) {
            throw manifest.wrong(
                "hosts", "contains \"\(host)\"", "write names such as \"*.example.com\", without scheme or path")
        }
        maxCallMicroseconds = try manifest.positiveInteger("max_call_us")
        self.node = node
    }

    private static func abi(_ manifest: ManifestReader) throws(Invalid) -> (built: ABIVersion, needs: ABIVersion) {
        guard let node = manifest.node["abi"], node.object != nil else {
            throw manifest.wrong("abi", "is missing", "add \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"}")
        }
        let abi = ManifestReader(node: node, path: "abi.")
        let built = try abi.version("built")
        let needs = try abi.version("needs")
        guard needs <= built else {
            throw abi.wrong("needs", "is \(needs), newer than abi.built \(built)", "correct one of them")
        }
        return (built, needs)
    }

    private static func provides(_ manifest: ManifestReader) throws(Invalid) -> [Provided] {
        let example = "add \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"mine\"}]"
        guard let entries = manifest.node["provides"]?.array, !entries.isEmpty else {
            throw manifest.wrong("provides", "is missing or empty", example)
        }
        var provides: [Provided] = []
        for (index, entry) in entries.enumerated() {
            let provided = try Self.provided(ManifestReader(node: entry, path: "provides[\(index)]."))
            if provides.contains(where: { $0.interfaceID == provided.interfaceID }) {
                throw manifest.wrong(
                    "provides", "names \(provided.interfaceID) twice", "a library has one table per interface: make two"
                )
            }
            provides.append(provided)
        }
        let known = provides.compactMap(\.interface)
        guard !known.isEmpty else {
            let ids = provides.map(\.interfaceID).joined(separator: ", ")
            throw manifest.wrong("provides", "has nothing this host knows (\(ids))", "update the host")
        }
        if known.contains(.auth), !known.contains(.provider) {
            throw manifest.wrong(
                "provides", "has kimi.auth/1 without kimi.provider/1", "an auth machine needs a provider")
        }
        return provides
    }

    private static func provided(_ entry: ManifestReader) throws(Invalid) -> Provided {
        let id = try entry.string("interface", like: "kimi.provider/1", where: ManifestText.isInterfaceID)
        let interface = Interface(rawValue: id)
        var provided = Provided(
            interfaceID: id, interface: interface, name: "", frames: .raw, dialects: [], features: [], node: entry.node)
        guard let interface else { return provided }
        if interface != .auth { provided.name = try entry.string("name", like: "my-name", where: ManifestText.isName) }
        if let frames = try entry.optionalString("frames") {
            guard let known = Frames(rawValue: frames) else {
                let all = Frames.allCases.map(\.rawValue).joined(separator: ", ")
                throw entry.wrong("frames", "is \"\(frames)\"", "this host frames \(all)")
            }
            provided.frames = known
        }
        provided.dialects = try entry.strings("dialects")
        provided.features = try entry.strings("features")
        return provided
    }

    private static func schema(_ written: ConfigNode?) throws(Invalid) -> (JSONSchema, ConfigNode) {
        let none = ConfigObject([
            .init(key: "type", value: .string("object")),
            .init(key: "additionalProperties", value: ConfigNode(.bool(false))),
        ])
        let node = written ?? ConfigNode(.object(none))
        guard node.object != nil else {
            throw Invalid(
                message: "'config_schema' is \(node.kindName), not an object",
                cure: "write a JSON Schema of type object, or leave it out")
        }
        do {
            return (try JSONSchema(node), node)
        } catch {
            let place = error.path.isEmpty ? "config_schema" : "config_schema.\(error.path)"
            throw Invalid(message: "'\(place)': \(error.message)", cure: "correct the schema in the plugin's manifest")
        }
    }
}
