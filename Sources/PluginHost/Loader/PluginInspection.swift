package import JSONSchema

/// What `kimi-host plugin inspect FILE` shows: the file, the manifest, the interfaces, the configuration.
package struct PluginInspection: Sendable {
    package var plugin: LoadedPlugin
    /// nil where libraries are not ELF.
    package var elf: ElfFile?
    package var byteCount: Int

    /// Lines for a terminal, without a last newline; the manifest printed in full at the end.
    package var text: String {
        let manifest = plugin.manifest
        var lines = [
            row("file", "\(plugin.file) (\(byteCount) bytes)"),
            row("sha256", plugin.sha256),
        ]
        if let elf { lines.append(row("format", formatLine(elf))) }
        lines += warnings.map { row("warning", $0) }
        lines += [
            row("plugin", "\(manifest.name) \(manifest.version) (\(manifest.id))"),
            row("license", manifest.license ?? "not said"),
            row("abi", "built \(plugin.built), needs \(plugin.needed), granted \(plugin.granted)"),
        ]
        lines += manifest.provides.map { row("provides", providedLine($0)) }
        if !manifest.hosts.isEmpty { lines.append(row("hosts", manifest.hosts.joined(separator: ", "))) }
        lines += properties.map { row("config", $0.line) }
        if properties.isEmpty { lines.append(row("config", "none")) }
        lines += ["", "manifest", PrettyJSON.text(manifest.node)]
        return lines.joined(separator: "\n")
    }

    /// The same as one line of JSON.
    package var json: String {
        var object = ConfigObject()
        object["file"] = .string(plugin.file)
        object["bytes"] = ConfigNode(.int(Int64(byteCount)))
        object["sha256"] = .string(plugin.sha256)
        object["id"] = .string(plugin.manifest.id)
        object["name"] = .string(plugin.manifest.name)
        object["version"] = .string(plugin.manifest.version)
        object["abi"] = ConfigNode(
            .object(
                ConfigObject([
                    .init(key: "built", value: .string(plugin.built.description)),
                    .init(key: "needs", value: .string(plugin.needed.description)),
                    .init(key: "granted", value: .string(plugin.granted.description)),
                ])))
        object["warnings"] = ConfigNode(.array(warnings.map { .string($0) }))
        object["manifest"] = plugin.manifest.node
        return ConfigNode(.object(object)).json
    }

    /// What an author may want to mend although it loads.
    package var warnings: [String] {
        guard let elf else { return [] }
        var warnings: [String] = []
        if elf.exportCount > 1 {
            warnings.append("exports \(elf.exportCount) symbols; build with -fvisibility=hidden or a version script")
        }
        if elf.usesStaticTLS { warnings.append("uses static TLS; a few such libraries and dlopen fails") }
        if elf.hasTextRelocations { warnings.append("has text relocations; build with -fPIC") }
        if elf.wantsExecutableStack { warnings.append("wants an executable stack; link with -z noexecstack") }
        return warnings
    }

    private func row(_ title: String, _ content: String) -> String {
        title + String(repeating: " ", count: max(1, 10 - title.count)) + content
    }

    private func formatLine(_ elf: ElfFile) -> String {
        let needed = elf.needed.isEmpty ? "no library" : elf.needed.joined(separator: ", ")
        let entries = elf.entryVersions.map(String.init).joined(separator: ", ")
        return "ELF shared library for \(ElfHeader.name(of: elf.machine)), entry for ABI \(entries), needs \(needed)"
    }

    private func providedLine(_ provided: PluginManifest.Provided) -> String {
        guard let interface = provided.interface else { return "\(provided.interfaceID) (unknown to this host)" }
        var parts = [provided.interfaceID]
        if !provided.name.isEmpty { parts.append("as '\(provided.name)'") }
        if interface == .provider { parts.append("frames \(provided.frames.rawValue)") }
        if !provided.dialects.isEmpty { parts.append("dialects \(provided.dialects.joined(separator: " "))") }
        if !provided.features.isEmpty { parts.append("features \(provided.features.joined(separator: " "))") }
        return parts.joined(separator: ", ")
    }
}

/// One property of a plugin's configuration, for people.
package struct PluginConfigProperty: Sendable {
    package var name: String
    package var schema: ConfigNode
    package var isRequired: Bool

    /// `apiKey: string, required, secret, from OPENAI_API_KEY; The key.`
    package var line: String {
        var parts: [String] = []
        if let type = schema["type"]?.string { parts.append(type) }
        if let choices = schema["enum"]?.array {
            parts.append("one of " + choices.map { $0.string ?? $0.json }.joined(separator: " "))
        }
        let low = schema["minimum"]?.json, high = schema["maximum"]?.json
        if low != nil || high != nil { parts.append("\(low ?? "…") to \(high ?? "…")") }
        if isRequired { parts.append("required") }
        if schema["x-secret"]?.bool == true { parts.append("secret") }
        if let kept = schema["x-sign-key"], kept.bool != false { parts.append("key kept by the host") }
        if schema["x-json-file"]?.bool == true { parts.append("or the path of a JSON file") }
        if let variable = schema["x-env"]?.string { parts.append("from $\(variable)") }
        if let fallback = schema["default"] { parts.append("default \(fallback.string ?? fallback.json)") }
        let summary = schema["description"]?.string.map { "; \($0)" } ?? ""
        return "\(name): \(parts.joined(separator: ", "))\(summary)"
    }
}

extension PluginInspection {
    /// The configuration's properties, as the manifest's schema lists them at the top level.
    package var properties: [PluginConfigProperty] {
        let schema = plugin.manifest.configSchemaNode
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        return (schema["properties"]?.object?.members ?? []).map {
            PluginConfigProperty(name: $0.key, schema: $0.value, isRequired: required.contains($0.key))
        }
    }
}

/// JSON with two spaces of indentation.
enum PrettyJSON {
    static func text(_ node: ConfigNode, indent: String = "") -> String {
        let inner = indent + "  "
        switch node.value {
        case .object(let object) where !object.isEmpty:
            let lines = object.members.map { member in
                inner + ConfigNode.string(member.key).json + ": " + text(member.value, indent: inner)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
        case .array(let elements) where elements.contains { $0.object != nil || $0.array != nil }:
            let lines = elements.map { inner + text($0, indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
        default: return node.json
        }
    }
}
