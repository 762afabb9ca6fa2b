import CPluginTestKit
import CanonicalModel
import JSONSchema
import PluginABI
import PluginHost

/// Configuration, create and destroy.
enum ConfigRules {
    static let all = [
        Rule(
            "R20", .config, "config_schema finds typing errors and guards its own defaults",
            cure: "write \"additionalProperties\": false, and defaults that their own schema accepts", schema),
        Rule(
            "R21", .config, "create takes what the schema accepts",
            cure: "let create accept every configuration that config_schema accepts", accepted),
        Rule(
            "R22", .config, "create fails cleanly on broken configurations",
            cure: "check what is read, call host->fail, leave *instance alone and return a negative status", broken),
        Rule(
            "R23", .config, "create and destroy leave nothing behind", cure: "free in destroy all that create made",
            seconds: 60, growth),
    ]

    private static func properties(_ plugin: PluginUnderTest) -> [ConfigObject.Member] {
        plugin.plugin.manifest.configSchemaNode["properties"]?.object?.members ?? []
    }

    private static func with(_ config: ConfigNode, _ key: String, _ value: ConfigNode?) -> ConfigNode {
        var object = config.object ?? ConfigObject()
        object[key] = value
        return ConfigNode(.object(object))
    }

    private static func schema(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let schema = plugin.plugin.configSchema
        let mistaken = with(plugin.config, "kitUnknownKey", .string("x"))
        if schema.validate(mistaken).count <= schema.validate(plugin.config).count {
            context.warn("an unknown key is accepted, so typing errors in configurations are not found")
        }
        for property in properties(plugin) {
            if let fallback = property.value["default"],
                !schema.validate(with(plugin.config, property.key, fallback)).isEmpty,
                schema.validate(plugin.config).isEmpty
            {
                context.fail("the default of '\(property.key)' is not what its own schema accepts")
            }
            let name = property.key.lowercased()
            let isSecret = ["apikey", "api_key", "secret", "password", "token"].contains { name.hasSuffix($0) }
            if isSecret, property.value["type"]?.string == "string", property.value["x-secret"]?.bool != true {
                context.warn("'\(property.key)' looks like a secret", cure: "mark it with \"x-secret\": true")
            }
        }
    }

    private static func accepted(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let violations = plugin.plugin.configSchema.validate(plugin.config)
        if let violation = violations.first {
            context.fail(
                "the configuration given is not what config_schema accepts: \(violation.path): \(violation.message)",
                cure: "correct --config or the transcript's 'config'")
            return
        }
        guard let instance = context.instance(plugin) else { return }
        if plugin.python != nil { PythonRules.begins(context, instance, "the configuration") }
        for transcript in context.transcripts where transcript.kind == plugin.kind {
            if let violation = plugin.plugin.configSchema.validate(transcript.config).first {
                context.fail("\(transcript.file): config: \(violation.path): \(violation.message)")
            }
        }
        for property in properties(plugin) {
            guard let fallback = property.value["default"] else { continue }
            do {
                let instance = try KitInstance(plugin, config: with(plugin.config, property.key, fallback))
                if plugin.python != nil { PythonRules.begins(context, instance, "'\(property.key)' with its default") }
            } catch {
                context.fail("create refuses '\(property.key)' with its default: \(error.message)")
            }
        }
    }

    /// What the host would never let through, and what it might.
    private static func brokenConfigs(_ plugin: PluginUnderTest) -> [(String, [UInt8])] {
        let text = plugin.config.jsonBytes
        var broken: [(String, [UInt8])] = [
            ("nothing", []), ("an open brace", [0x7B]), ("a list", Array("[]".utf8)), ("null", Array("null".utf8)),
            ("an empty object", Array("{}".utf8)), ("half of it", Array(text.prefix(text.count / 2))),
            ("bytes that are no UTF-8", [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]),
            ("100,000 open brackets", [UInt8](repeating: 0x5B, count: 100_000)),
        ]
        for property in properties(plugin) {
            broken.append(("no '\(property.key)'", with(plugin.config, property.key, nil).jsonBytes))
            if let wrong = SchemaSample.wrongKind(property.value) {
                broken.append(("'\(property.key)' of a wrong kind", with(plugin.config, property.key, wrong).jsonBytes))
            }
            guard property.value["type"]?.string == "string" else { continue }
            let long = ConfigNode.string(String(repeating: "x", count: 1 << 20))
            broken.append(("'\(property.key)' of 1 MB", with(plugin.config, property.key, long).jsonBytes))
        }
        return broken
    }

    private static func broken(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        for (name, bytes) in brokenConfigs(plugin) {
            var breaches: [Breach] = []
            do {
                let instance = try KitInstance(plugin, configBytes: bytes, lending: .guardedEnd)
                breaches = instance.run.breaches
            } catch {
                breaches = KitInstance.lastFailureBreaches
                if error.message.hasPrefix("create returned") { context.fail("\(name): \(error.message)") }
            }
            context.failOn(breaches, [.reason, .state, .handle], name)
        }
    }

    private static let rounds = 10_000
    private static let allowedBytes = 160_000

    private static func growth(_ context: RuleContext) {
        guard let plugin = context.requirePlugin(), context.instance(plugin) != nil else { return }
        if let child = plugin.python { return PythonRules.instanceGrowth(context, plugin, child) }
        var start = 0
        for round in 0..<rounds {
            if round == rounds / 5 { start = Int(ptk_heap_in_use()) }
            guard context.instance(plugin) != nil else { return }
        }
        let grown = Int(ptk_heap_in_use()) - start
        guard start > 0 else { return context.skip("this C library does not say how much memory is in use") }
        if grown > allowedBytes {
            context.fail("\(rounds * 4 / 5) instances leave \(grown) bytes behind, \(grown * 5 / rounds / 4) each")
        }
    }
}
