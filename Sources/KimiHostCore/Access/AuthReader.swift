import JSONSchema

/// Reads `auth`. Values of the wrong kind are skipped: the schema has already said so.
struct AuthReader {
    let environment: Environment
    private(set) var log: DiagnosticLog

    init(environment: Environment, log: DiagnosticLog) {
        self.environment = environment
        self.log = log
    }

    mutating func read(_ node: ConfigNode?, routes: [RouteConfig]) -> HostConfig.Auth {
        guard let node else { return .unset }
        if node.string == "none" { return .open }
        // The admin's key alone says nothing of who else may use the host.
        if node["keys"] == nil { return .unset }
        var keys: [ClientKeyConfig] = []
        for (index, entry) in (node["keys"]?.array ?? []).enumerated() {
            let path = ConfigPath.root.key("auth").key("keys").index(index)
            guard let object = entry.object, let key = key(object, entry, path, routes) else { continue }
            refuseTwice(key, keys, entry, path)
            keys.append(key)
        }
        return .keys(keys)
    }

    /// `auth.admin_key`: a hash, or the variable that holds the key.
    mutating func adminKey(_ node: ConfigNode?, _ auth: HostConfig.Auth) -> KeyDigest? {
        guard let node, let text = node.string else { return nil }
        let path = ConfigPath.root.key("auth").key("admin_key")
        let digest = KeyDigest(text: text) ?? digest(ofVariable: node, path)
        if let digest, case .keys(let keys) = auth, let twin = keys.first(where: { $0.digest.matches(digest) }) {
            let message = "is the client key of '\(twin.name)' too; give it one of its own"
            log.error(at: node.mark, path.description, message)
        }
        return digest
    }

    private mutating func key(
        _ object: ConfigObject, _ node: ConfigNode, _ path: ConfigPath, _ routes: [RouteConfig]
    ) -> ClientKeyConfig? {
        guard let name = object["name"]?.string, let digest = digest(object, node, path) else { return nil }
        var key = ClientKeyConfig(name: name, digest: digest)
        key.models = object["models"]?.array?.compactMap { $0.string.map(NamePattern.init) }
        key.profiles = object["profiles"]?.array?.compactMap(\.string)
        key.requestsPerMinute = object["requests_per_minute"]?.int.map { Int($0) }
        key.tokensPerMinute = object["tokens_per_minute"]?.int.map { Int($0) }
        key.maxExchanges = object["max_exchanges"]?.int.map { Int($0) }
        for (index, pattern) in (object["models"]?.array ?? []).enumerated() {
            guard let text = pattern.string, !routes.contains(where: { NamePattern(text).matches($0.modelName) })
            else { continue }
            log.warning(
                at: pattern.mark, path.key("models").index(index).description,
                "no configured model is called '\(text)'; correct it, or remove it")
        }
        return key
    }

    /// Of `hash`, or of the key that `key` names.
    private mutating func digest(_ object: ConfigObject, _ node: ConfigNode, _ path: ConfigPath) -> KeyDigest? {
        switch (object["hash"], object["key"]) {
        case (nil, nil):
            log.error(
                at: node.mark, path.description,
                "needs 'hash: sha256:...' (kimi-host auth hash prints it), or 'key: $VARIABLE'")
        case (let hash?, nil):
            guard let text = hash.string else { return nil }
            if let digest = KeyDigest(text: text) { return digest }
            log.error(
                at: hash.mark, path.key("hash").description,
                "must be 'sha256:' and 64 hexadecimal digits; kimi-host auth hash prints it for a key")
        case (nil, let key?): return digest(ofVariable: key, path.key("key"))
        case (_?, let key?):
            log.error(at: key.mark, path.key("key").description, "stands beside 'hash'; remove one of them")
        }
        return nil
    }

    private mutating func digest(ofVariable node: ConfigNode, _ path: ConfigPath) -> KeyDigest? {
        guard let text = node.string else { return nil }
        guard text.hasPrefix("$"), !text.hasPrefix("$$") else {
            log.error(
                at: node.mark, path.description,
                "must be a reference to an environment variable, such as $CLIENT_KEY: a key itself does not belong into "
                    + "the file; write its 'hash' instead (kimi-host auth hash)")
            return nil
        }
        var references = EnvironmentReferences(environment: environment)
        let value = references.resolve(node, at: path).string ?? ""
        if let missing = references.missing.first {
            log.error(
                at: node.mark, path.description,
                "the environment variable \(missing.variable) is not set; set it (in .env, for example)")
            return nil
        }
        if let weakness = KeyDigest.weakness(of: value) {
            log.warning(at: node.mark, path.description, weakness)
        }
        return KeyDigest(of: value.utf8)
    }

    private mutating func refuseTwice(
        _ key: ClientKeyConfig, _ others: [ClientKeyConfig], _ node: ConfigNode, _ path: ConfigPath
    ) {
        if others.contains(where: { $0.name == key.name }) {
            log.error(
                at: node["name"]?.mark, path.key("name").description,
                "'\(key.name)' is taken; give each key its own name")
        }
        if let other = others.first(where: { $0.digest.matches(key.digest) }) {
            log.error(at: node.mark, path.description, "is the same key as '\(other.name)'; remove one of them")
        }
    }
}
