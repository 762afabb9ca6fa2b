import JSONSchema
package import LogModel

extension HostConfig {
    /// What is recorded of exchanges, and where.
    package struct Log: Sendable, Equatable {
        package var isEnabled = true
        /// The SQLite file. Unless it is said, it is in the host's `state_dir`.
        package var path = standardPath(stateDir: "data")
        /// Whether somebody chose the path, so that it must work.
        package var isPathChosen = false
        package var policy = LogPolicy()
        /// POSIX extended regular expressions; matches are hidden.
        package var redact: [String] = []
        package var maxAgeDays = 30
        package var maxEntries = 1_000_000
        package var maxBytes = 2 << 30
        /// Finished exchanges that wait to be written, and their bytes.
        package var queueEntries = 4_096
        package var queueBytes = 64 << 20
        /// Bytes of exchanges that wait on the disk to be packed, after a rush; 0: no spool.
        package var spoolBytes = 1 << 30
        /// The folder for them; nil: beside the file.
        package var spoolPath: String?
        /// Whether bodies can be searched.
        package var search = true

        package init() {}

        package static func standardPath(stateDir: String) -> String {
            stateDir.hasSuffix("/") ? stateDir + "logs.db" : stateDir + "/logs.db"
        }
    }
}

/// Reads `log`, and the original's variables for it. Values of the wrong kind are skipped: the schema has said so.
struct LogSettingsReader {
    let node: ConfigNode?
    let environment: Environment
    let stateDir: String

    func read(into config: inout HostConfig.Log, log: inout DiagnosticLog) {
        if let enabled = node?["enabled"]?.bool { config.isEnabled = enabled }
        let chosen = environment["LOG_DB_PATH"] ?? node?["path"]?.string
        config.isPathChosen = chosen != nil
        config.path = chosen ?? HostConfig.Log.standardPath(stateDir: stateDir)
        if let patterns = node?["redact"]?.array { config.redact = patterns.compactMap(\.string) }
        set(&config.maxAgeDays, "max_age_days")
        set(&config.maxEntries, "max_entries")
        set(&config.maxBytes, "max_bytes")
        set(&config.queueEntries, "queue_entries")
        set(&config.queueBytes, "queue_bytes")
        if let search = node?["search"]?.bool { config.search = search }
        readPolicy(&config.policy)
        set(&config.spoolBytes, "spool_bytes")
        config.spoolPath = environment["LOG_BLOB_ROOT"] ?? node?["spool_path"]?.string
    }

    private func readPolicy(_ policy: inout LogPolicy) {
        if let bodies = node?["bodies"]?.string.flatMap(LogPolicy.Bodies.init) { policy.bodies = bodies }
        if let models = node?["models_without_bodies"]?.array {
            policy.modelsWithoutBodies = models.compactMap(\.string)
        }
        set(&policy.maxBodyBytes, "max_body_bytes")
        set(&policy.maxExchangeBytes, "max_exchange_bytes")
        set(&policy.memoryBytes, "memory_bytes")
        policy.prices = (node?["prices"]?.array ?? []).compactMap(price)
    }

    private func price(_ node: ConfigNode) -> Price? {
        guard let model = node["model"]?.string else { return nil }
        var price = Price(model: model)
        price.provider = node["provider"]?.string
        price.input = node["input"]?.double ?? 0
        price.output = node["output"]?.double ?? 0
        price.cacheRead = node["cache_read"]?.double
        price.cacheWrite = node["cache_write"]?.double
        return price
    }

    private func set(_ target: inout Int, _ name: String) {
        if let number = node?[name]?.int { target = Int(number) }
    }
}
