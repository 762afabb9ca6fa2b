import JSONSchema

/// Makes routes of the entries of `models` and checks them against the loaded plugins.
struct RouteBuilder {
    let catalog: any PluginCatalog
    private(set) var log: DiagnosticLog
    /// The place of each built route's entry, by ``RouteConfig/index``.
    private(set) var marks: [Mark?] = []

    private let plugins: PluginConfigResolver

    init(environment: Environment, catalog: any PluginCatalog, log: DiagnosticLog) {
        self.catalog = catalog
        self.log = log
        plugins = PluginConfigResolver(environment: environment, files: JSONFiles(environment, beside: log.file))
    }

    mutating func build(_ models: ConfigNode?) -> [RouteConfig] {
        var routes: [RouteConfig] = []
        var leftOut = 0
        for (position, node) in (models?.array ?? []).enumerated() {
            guard let entry = node.object else { continue }
            let path = ConfigPath.root.key("models").index(position)
            var route = RouteConfig(
                index: routes.count, path: path.description, modelName: entry["name"]?.string ?? "",
                provider: entry["provider"]?.string ?? "", upstreamModel: entry["model"]?.string ?? "")
            route.mark = node.mark
            readPlainKeys(entry, into: &route)
            if readPlugins(entry, node, path, into: &route) {
                routes.append(route)
                marks.append(node.mark)
            } else {
                leftOut += 1
            }
        }
        if routes.isEmpty, leftOut > 0 {
            let cure = "set one of the variables named above, or add an entry that needs none"
            log.error(at: models?.mark, "models", "every entry is optional and was left out; \(cure)")
        }
        return routes
    }

    private mutating func readPlainKeys(_ entry: ConfigObject, into route: inout RouteConfig) {
        let path = ConfigPath(route.path)
        if let weight = entry["weight"]?.double { route.weight = weight }
        route.strategy = entry["strategy"]?.string.flatMap(RoutingStrategy.init)
        route.profile = entry["profile"]?.string
        route.maxConcurrent = entry["max_concurrent"]?.int.map { Int($0) }
        route.resume = entry["resume"].flatMap { $0.bool == true ? .assistant : $0.string.flatMap(ResumeStyle.init) }
        if let profile = entry["profile"], profile.string?.contains("/") == true {
            let message = "contains a '/', so no URL /PROFILE/v1/... can reach it; rename it"
            log.warning(at: profile.mark, path.key("profile").description, message)
        }
        if let value = entry["ensure_tool_call"] {
            if value.bool == true { route.ensureToolCall = .withTools }
            if value.string == "always" { route.ensureToolCall = .always }
        }
        if route.resume != nil, route.ensureToolCall != .never {
            let message =
                "is not used where 'ensure_tool_call' is set: such replies are judged whole; remove one of them"
            log.warning(at: entry["resume"]?.mark, path.key("resume").description, message)
        }
    }

    /// False if the entry is left out because a variable is not set.
    private mutating func readPlugins(
        _ entry: ConfigObject, _ node: ConfigNode, _ path: ConfigPath, into route: inout RouteConfig
    ) -> Bool {
        var uses: [PluginConfigResolver.Result] = []
        if let plugin = provider(entry["provider"], path.key("provider")) {
            let found = keys(of: entry, plugin, node, path)
            route.keys = found.map(\.key)
            uses += found.map(\.result)
        }
        for (position, use) in (entry["transforms"]?.array ?? []).enumerated() {
            let usePath = path.key("transforms").index(position)
            let name = use.string.map { _ in use } ?? use["plugin"]
            let namePath = use.string == nil ? usePath.key("plugin") : usePath
            guard let plugin = transform(name, namePath) else { continue }
            let result = plugins.resolve(
                use["config"], fallback: nil, for: plugin, at: usePath.key("config"), near: use.mark)
            route.transforms.append(TransformUse(plugin: plugin.name, config: result.config))
            uses.append(result)
        }
        return accept(uses, isOptional: entry["optional"]?.bool == true, node, path)
    }

    /// The configurations of `keys`, each laid over `provider_config`; without `keys` that alone.
    private mutating func keys(
        of entry: ConfigObject, _ plugin: PluginDescription, _ node: ConfigNode, _ path: ConfigPath
    ) -> [(key: ProviderKey, result: PluginConfigResolver.Result)] {
        let own = ownConfig(entry, path)
        guard let list = entry["keys"]?.array, !list.isEmpty else {
            let place = path.key("provider_config")
            let result = plugins.resolve(own.config, fallback: own.legacy, for: plugin, at: place, near: node.mark)
            return [(ProviderKey(config: result.config), result)]
        }
        var found: [(key: ProviderKey, result: PluginConfigResolver.Result)] = []
        for (position, use) in list.enumerated() {
            let place = path.key("keys").index(position)
            let config = use.string.map { _ in Self.object("apiKey", use) } ?? use["config"]
            let weight = use["weight"]?.double ?? 1
            guard weight > 0 else { continue }
            let base = own.config ?? ConfigNode(.object(ConfigObject()), mark: use.mark)
            let whole = config.map { base.merged(under: $0) } ?? base
            let result = plugins.resolve(
                whole, fallback: own.legacy, for: plugin, at: place.key("config"), near: use.mark)
            found.append((ProviderKey(config: result.config, weight: weight), result))
        }
        guard !found.isEmpty else {
            let message = "every key has weight 0; give one a weight, or the entry itself weight: 0 to switch it off"
            log.error(at: entry["keys"]?.mark, path.key("keys").description, message)
            return [
                (ProviderKey(config: own.config ?? ConfigNode(.object(ConfigObject()))), .init(config: .string("")))
            ]
        }
        return entry["optional"]?.bool == true ? present(found, path, node) : found
    }

    /// Of an optional entry, keys whose variable is not set are left out while there are others.
    private mutating func present(
        _ keys: [(key: ProviderKey, result: PluginConfigResolver.Result)], _ path: ConfigPath, _ node: ConfigNode
    ) -> [(key: ProviderKey, result: PluginConfigResolver.Result)] {
        let kept = keys.filter(\.result.missingVariables.isEmpty)
        guard !kept.isEmpty, kept.count < keys.count else { return keys }
        let names = keys.flatMap(\.result.missingVariables).joined(separator: ", ")
        log.info(at: node.mark, path.key("keys").description, "keys left out: \(names) not set (optional: true)")
        return kept
    }

    private static func object(_ key: String, _ value: ConfigNode) -> ConfigNode {
        ConfigNode(.object(ConfigObject([ConfigObject.Member(key: key, value: value)])), mark: value.mark)
    }

    private mutating func accept(
        _ uses: [PluginConfigResolver.Result], isOptional: Bool, _ node: ConfigNode, _ path: ConfigPath
    ) -> Bool {
        var variables: [String] = []
        for variable in uses.flatMap(\.missingVariables) where !variables.contains(variable) {
            variables.append(variable)
        }
        for violation in uses.flatMap(\.violations) { log.add(violation) }
        if isOptional, !variables.isEmpty {
            let verb = variables.count == 1 ? "is" : "are"
            let reason = "\(variables.joined(separator: ", ")) \(verb) not set (optional: true)"
            log.info(at: node.mark, path.description, "left out: \(reason)")
            return false
        }
        for violation in uses.flatMap(\.missingViolations) { log.add(violation) }
        return true
    }

    /// `provider_config`, and the legacy keys beside it that the original's own example has.
    private mutating func ownConfig(
        _ entry: ConfigObject, _ path: ConfigPath
    ) -> (config: ConfigNode?, legacy: ConfigObject?) {
        var legacy = ConfigObject()
        for key in ["apiKey", "baseUrl"] {
            guard let member = entry.member(key) else { continue }
            let place = path.key(key).description
            if entry["provider_config"]?[key] != nil {
                log.warning(at: member.keyMark, place, "ignored: provider_config.\(key) is there too; remove one")
            } else {
                let message = "belongs inside provider_config; used as provider_config.\(key) all the same"
                log.warning(at: member.keyMark, place, message)
                legacy.members.append(member)
            }
        }
        return (entry["provider_config"], legacy.isEmpty ? nil : legacy)
    }

    private mutating func provider(_ node: ConfigNode?, _ path: ConfigPath) -> PluginDescription? {
        guard let node, let name = node.string, !name.isEmpty else { return nil }
        if let plugin = catalog.provider(named: name) { return plugin }
        var message = "no plugin provides '\(name)'; loaded providers: \(Self.list(catalog.providerNames))"
        if catalog.transform(named: name) != nil { message += "; '\(name)' is a transform, it goes under transforms" }
        message += Suggestion.clause(for: name, among: catalog.providerNames)
        log.error(at: node.mark, path.description, message)
        return nil
    }

    private mutating func transform(_ node: ConfigNode?, _ path: ConfigPath) -> PluginDescription? {
        guard let node, let name = node.string, !name.isEmpty else { return nil }
        if let plugin = catalog.transform(named: name) { return plugin }
        var message =
            "no plugin provides the transform '\(name)'; loaded transforms: \(Self.list(catalog.transformNames))"
        if catalog.provider(named: name) != nil { message += "; '\(name)' is a provider" }
        message += Suggestion.clause(for: name, among: catalog.transformNames)
        log.error(at: node.mark, path.description, message)
        return nil
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none; put plugin libraries into plugins.d" : names.joined(separator: ", ")
    }
}
