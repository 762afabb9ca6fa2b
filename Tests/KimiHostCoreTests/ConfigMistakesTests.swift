import JSONSchema
import KimiHostCore
import Testing

/// A file and every line that `kimi-host check` prints for it.
struct BadFile: Sendable, CustomTestStringConvertible {
    var name: String
    var yaml: String
    var environment: [String: String] = [:]
    var lines: [String]

    var testDescription: String { name }
}

@Suite struct ConfigMistakesTests {
    static let files: [BadFile] = [
        BadFile(
            name: "many mistakes at once, sorted by place",
            yaml: """
                default_strategy: fastest
                modles: []
                models:
                  - name: a
                    provider: vertx
                    model: m
                    stratgy: first
                    strategy: rondom
                    weight: -1
                  - provider: openai
                    model: 7
                    provider_config: {apiKey: $NOPE, baseUrl: ftp://x}
                    transforms: [kimi-k3, openai, {plugin: kimi-k2, config: {thinking: maybe}}]
                server: {port: 70000}
                timeouts: {connect: 0, total: -1, idle: soon}
                """,
            lines: [
                "c.yaml:1:19: error: default_strategy: must be one of first, round_robin, random, weighted_random, "
                    + "least_latency, sticky, not 'fastest'",
                "c.yaml:2:1: error: modles: unknown key; did you mean 'models'?",
                "c.yaml:5:15: error: models[0].provider: no plugin provides 'vertx'; "
                    + "loaded providers: openai, openrouter, anthropic, vertex, demo; did you mean 'vertex'?",
                "c.yaml:7:5: error: models[0].stratgy: unknown key; did you mean 'strategy'?",
                "c.yaml:8:15: error: models[0].strategy: must be one of first, round_robin, random, weighted_random, "
                    + "least_latency, sticky, not 'rondom'; did you mean 'random'?",
                "c.yaml:9:13: error: models[0].weight: must be at least 0, not -1",
                "c.yaml:10:5: error: models[1].name: is missing; add it",
                "c.yaml:11:12: error: models[1].model: must be a string, not an integer; put it in quotes",
                "c.yaml:12:31: error: models[1].provider_config.apiKey: the environment variable NOPE is not set; "
                    + "set it (in .env, for example), or write $$ for a plain dollar",
                "c.yaml:12:47: error: models[1].provider_config.baseUrl: must match the pattern ^https?://, "
                    + "not 'ftp://x' (plugin openai)",
                "c.yaml:13:18: error: models[1].transforms[0]: no plugin provides the transform 'kimi-k3'; "
                    + "loaded transforms: kimi-k2; did you mean 'kimi-k2'?",
                "c.yaml:13:27: error: models[1].transforms[1]: no plugin provides the transform 'openai'; "
                    + "loaded transforms: kimi-k2; 'openai' is a provider",
                "c.yaml:13:72: error: models[1].transforms[2].config.thinking: must be true or false, not a string "
                    + "(plugin kimi-k2)",
                "c.yaml:14:16: error: server.port: must be at most 65535, not 70000",
                "c.yaml:15:21: error: timeouts.connect: must be greater than 0, not 0",
                "c.yaml:15:31: error: timeouts.total: must be at least 0, not -1",
                "c.yaml:15:41: error: timeouts.idle: must be a number, not a string",
            ]),
        BadFile(
            name: "weights that are no numbers",
            yaml: "models:\n  - {name: a, provider: demo, model: m, weight: .nan}\n"
                + "  - {name: a, provider: demo, model: m, weight: 1e999}",
            lines: [
                "c.yaml:2:49: error: models[0].weight: must be a number, not a string",
                "c.yaml:3:49: error: models[1].weight: must be a number, not a string",
            ]),
        BadFile(name: "empty", yaml: "# nothing\n", lines: ["c.yaml: error: is empty; it needs at least 'models:'"]),
        BadFile(
            name: "no object", yaml: "- a",
            lines: ["c.yaml:1:1: error: must be an object, not a list"]),
        BadFile(name: "no models", yaml: "server: {}", lines: ["c.yaml:1:1: error: models: is missing; add it"]),
        BadFile(
            name: "no entries", yaml: "models: []",
            lines: ["c.yaml:1:9: error: models: must have at least 1 entry, has 0"]),
        BadFile(
            name: "duplicate key", yaml: "models:\n  - name: a\n    name: b\n",
            lines: ["c.yaml:2:5: error: the key 'name' is written more than once; keep one"]),
        BadFile(
            name: "tab", yaml: "models:\n\t- name: a\n",
            lines: [
                "c.yaml:2:1: error: is not YAML: found character that cannot start any token "
                    + "(while scanning for the next token, line 2)"
            ]),
        BadFile(
            name: "unknown alias", yaml: "models: *nope",
            lines: ["c.yaml:1:9: error: is not YAML: found undefined alias"]),
        BadFile(
            name: "unknown tag", yaml: "models: !ruby/object x",
            lines: ["c.yaml:1:9: error: the tag !ruby/object is not used here; remove it"]),
        BadFile(
            name: "a key missing from config and environment",
            yaml: "models:\n  - {name: a, provider: openrouter, model: m}\n",
            lines: [
                "c.yaml:2:5: error: models[0].provider_config.apiKey: is missing; add it, "
                    + "or set the environment variable OPENROUTER_API_KEY (plugin openrouter)"
            ]),
        BadFile(
            name: "an environment variable with a bad value is named",
            yaml: "models:\n  - {name: a, provider: openai, model: m}\n",
            environment: ["OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": "api.openai.com"],
            lines: [
                "c.yaml:2:5: error: models[0].provider_config.baseUrl: must match the pattern ^https?://, "
                    + "not 'api.openai.com' (from the variable OPENAI_BASE_URL) (plugin openai)"
            ]),
        BadFile(
            name: "PORT and LOG_LEVEL",
            yaml: "models:\n  - {name: a, provider: demo, model: m}\n",
            environment: ["PORT": "80a", "LOG_LEVEL": "inof"],
            lines: [
                "environment: error: PORT: must be a whole number from 0 to 65535, not '80a'",
                "environment: error: LOG_LEVEL: must be one of trace, debug, info, notice, warning, error, critical, "
                    + "not 'inof'; did you mean 'info'?",
            ]),
        BadFile(
            name: "all weights 0",
            yaml: """
                models:
                  - {name: a, provider: demo, model: m}
                  - {name: a, provider: demo, model: m, profile: p, weight: 0}
                  - {name: a, provider: demo, model: n, profile: p, weight: 0.0}
                """,
            lines: [
                "c.yaml:3:5: error: models[1].weight: every entry of 'a' in profile 'p' has weight 0, so none is left; "
                    + "give one a weight above 0, or remove them"
            ]),
        BadFile(
            name: "every entry left out",
            yaml: "models:\n  - {name: a, provider: openrouter, model: m, optional: true}\n",
            lines: [
                "c.yaml:2:3: error: models: every entry is optional and was left out; "
                    + "set one of the variables named above, or add an entry that needs none",
                "c.yaml:2:5: info: models[0]: left out: OPENROUTER_API_KEY is not set (optional: true)",
            ]),
        BadFile(
            name: "neither of two keys, one of which must be there",
            yaml: "models:\n  - {name: a, provider: anthropic, model: m}\n",
            lines: [
                "c.yaml:2:5: error: models[0].provider_config.apiKey: is missing; add it or authToken, or set the "
                    + "environment variable ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN (plugin anthropic)"
            ]),
        BadFile(
            name: "an optional entry that is left out still shows its other mistakes",
            yaml: """
                models:
                  - {name: a, provider: demo, model: m}
                  - {name: a, provider: openrouter, model: m, optional: true, provider_config: {apikey: $NOPE}}
                """,
            lines: [
                "c.yaml:3:5: info: models[1]: left out: NOPE, OPENROUTER_API_KEY are not set (optional: true)",
                "c.yaml:3:81: error: models[1].provider_config.apikey: unknown key; did you mean 'apiKey'? "
                    + "(plugin openrouter)",
            ]),
        BadFile(
            name: "transform entries of wrong forms",
            yaml:
                "models:\n  - {name: a, provider: demo, model: m, transforms: [1, {config: {}}, {plugin: kimi-k2, cfg: 1}]}",
            lines: [
                "c.yaml:2:54: error: models[0].transforms[0]: must be a string or an object, not an integer",
                "c.yaml:2:57: error: models[0].transforms[1].plugin: is missing; add it",
                "c.yaml:2:89: error: models[0].transforms[2].cfg: unknown key; known here: plugin, config",
            ]),
    ]

    @Test(arguments: files) func everyMistakeIsPrintedExactly(file: BadFile) throws {
        let outcome = try load(file.yaml, file.environment)
        #expect(outcome.diagnostics.map(\.description) == file.lines)
        #expect(outcome.config == nil)
    }

    @Test func secretsNeverAppearInMessages() throws {
        let catalog = FakeCatalog(providers: [
            try FakeCatalog.plugin("p", #"{"properties":{"k":{"type":"string","pattern":"^sk-","x-secret":true}}}"#)
        ])
        let yaml = "models:\n  - {name: a, provider: p, model: m, provider_config: {k: hunter2}}"
        let outcome = try load(yaml, catalog: catalog)
        #expect(outcome.diagnostics.hasErrors)
        #expect(!outcome.diagnostics.description.contains("hunter2"))
    }

    @Test func aDescribedConfigurationHoldsNoSecrets() throws {
        let yaml =
            "models: [{name: a, provider: openrouter, model: m, provider_config: {apiKey: hunter2}, transforms: [kimi-k2]}]"
        let config = try config(yaml)
        #expect(!String(reflecting: config).contains("hunter2"))
        #expect(String(describing: config.routes[0]) == "models[0] a to openrouter m")
    }

    @Test func withoutPluginsTheCureIsToLoadSome() throws {
        let outcome = try load("models:\n  - {name: a, provider: openai, model: m}", catalog: FakeCatalog())
        let line = "c.yaml:2:25: error: models[0].provider: no plugin provides 'openai'; "
        #expect(
            outcome.diagnostics.map(\.description) == [
                line + "loaded providers: none; put plugin libraries into plugins.d"
            ])
    }

    @Test func anAliasBombIsRefused() throws {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let outcome = try load(yaml)
        #expect(outcome.config == nil)
        #expect(
            outcome.diagnostics.map(\.message) == [
                "more than 200000 values once aliases are expanded; use fewer aliases"
            ])
    }

    @Test func deepNestingIsRefused() throws {
        #expect(try load("models: " + String(repeating: "[", count: 100_000)).config == nil)
    }
}
