import JSONSchema
import KimiHostCore
import Testing

@Suite struct ConfigLoadingTests {
    @Test func defaultsAreTheDocumentedOnes() throws {
        let config = try config("models:\n  - {name: a, provider: demo, model: m}")
        #expect(config.server == HostConfig.Server())
        #expect(config.server.host == "127.0.0.1" && config.server.port == 8000)
        #expect(config.limits.maxBodyBytes == 64 << 20 && config.limits.maxResponseBytes == 64 << 20)
        #expect(config.timeouts.connect == .seconds(10) && config.timeouts.head == .seconds(300))
        #expect(config.timeouts.idle == .seconds(300) && config.timeouts.total == nil)
        #expect(config.logging.level == .info && config.defaultStrategy == .first)
        let route = try #require(config.routes.first)
        #expect(route.weight == 1 && route.strategy == nil && route.profile == nil && route.ensureToolCall == .never)
        #expect(route.providerConfig.json == "{}" && route.transforms.isEmpty)
    }

    @Test func everyKeyIsRead() throws {
        let config = try config(
            """
            default_strategy: random
            server: {host: "::1", port: 0}
            limits: {max_body_bytes: 2048, max_response_bytes: 4096}
            timeouts: {connect: 0.5, head: 1, idle: 2, total: 3}
            logging: {level: debug}
            models:
              - name: a
                provider: demo
                model: m
                weight: 0.5
                strategy: weighted_random
                profile: p
                transforms: [kimi-k2, {plugin: kimi-k2, config: {thinking: true}}]
            """)
        #expect(config.defaultStrategy == .random && config.logging.level == .debug)
        #expect(config.server.host == "::1" && config.server.port == 0)
        #expect(config.limits.maxBodyBytes == 2048 && config.limits.maxResponseBytes == 4096)
        #expect(config.timeouts.connect == .milliseconds(500) && config.timeouts.total == .seconds(3))
        let route = try #require(config.routes.first)
        #expect(route.weight == 0.5 && route.strategy == .weightedRandom && route.profile == "p")
        #expect(route.transforms.map(\.config.json) == ["{}", #"{"thinking":true}"#])
    }

    @Test func theEnvironmentWinsOverTheFile() throws {
        let yaml = "server: {host: a, port: 1}\nlogging: {level: debug}\nmodels: [{name: a, provider: demo, model: m}]"
        let config = try config(yaml, ["HOST": "0.0.0.0", "PORT": "9000", "LOG_LEVEL": "warn"])
        #expect(config.server.host == "0.0.0.0" && config.server.port == 9000 && config.logging.level == .warning)
    }

    @Test(arguments: [("true", EnsureToolCall.withTools), ("false", .never), ("always", .always)])
    func toolCallsAreEnsured(_ word: String, _ meaning: EnsureToolCall) throws {
        let yaml = "models: [{name: a, provider: demo, model: m, ensure_tool_call: \(word)}]"
        #expect(try config(yaml).routes.first?.ensureToolCall == meaning)
    }

    @Test(arguments: [("1", 1), ("5", 5), (" 4 ", 4), ("2.9", 2), ("6", 5), ("1e9", 5), ("0", 3), ("-1", 3), ("x", 3)])
    func theNumberOfAttemptsIsTheOriginals(_ value: String, _ attempts: Int) throws {
        let outcome = try load(
            "models: [{name: a, provider: demo, model: m}]", ["ENSURE_TOOL_CALL_MAX_ATTEMPTS": value])
        #expect(outcome.config?.enforcementAttempts == attempts)
        let isDoubted = ["6", "1e9", "0", "-1", "x"].contains(value)
        #expect(outcome.diagnostics.map(\.severity) == (isDoubted ? [.warning] : []))
    }

    @Test func theOriginalsExampleIsAccepted() throws {
        let yaml = """
            default_strategy: round_robin
            models:
              - name: kimi-k2-thinking
                provider: vertex
                model: moonshotai/kimi-k2-thinking-maas
                ensure_tool_call: true
              - name: kimi-k2-thinking
                provider: openrouter
                model: moonshot-ai/kimi-k2-thinking
                apiKey: $OPENROUTER_DEFAULT_KEY
                weight: 2
            """
        let warnings = [
            "c.yaml:10:5: warning: models[1].apiKey: belongs inside provider_config; "
                + "used as provider_config.apiKey all the same"
        ]
        // The key beside `provider` is used if its variable is set, and left away, as in the original, if not.
        for (environment, key) in [
            (["OPENROUTER_DEFAULT_KEY": "one", "OPENROUTER_API_KEY": "two"], "one"),
            (["OPENROUTER_API_KEY": "two"], "two"),
        ] {
            let outcome = try load(yaml, environment)
            #expect(outcome.diagnostics.map(\.description) == warnings)
            let routes = try #require(outcome.config).routes
            #expect(routes.map(\.weight) == [1, 2] && routes[0].ensureToolCall == .withTools)
            #expect(routes[1].providerConfig["apiKey"]?.string == key)
        }
    }

    @Test func anOwnKeyWinsOverTheLegacyOne() throws {
        let yaml = "models:\n  - {name: a, provider: openrouter, model: m, apiKey: x, provider_config: {apiKey: y}}"
        let outcome = try load(yaml)
        #expect(outcome.config?.routes.first?.providerConfig["apiKey"]?.string == "y")
        #expect(outcome.diagnostics.map(\.message) == ["ignored: provider_config.apiKey is there too; remove one"])
    }

    @Test func referencesAreResolvedAtEveryDepth() throws {
        let yaml = """
            models:
              - name: a
                provider: vertex
                model: m
                provider_config:
                  url: $BASE/v1
                  braced: ${BASE}s
                  list: [$KEY, {deep: $KEY}, 5]
                  dollar: $$KEY
                  middle: a$KEY
                  lone: $
                  digit: $1
            """
        let route = try config(yaml, ["BASE": "https://x", "KEY": "$k"]).routes[0]
        #expect(
            route.providerConfig.json
                == #"{"url":"https://x/v1","braced":"https://xs","list":["$k",{"deep":"$k"},5],"#
                + #""dollar":"$KEY","middle":"a$KEY","lone":"$","digit":"$1"}"#)
    }

    @Test func theEnvironmentFillsWhatTheFileLeavesOut() throws {
        let yaml = "models: [{name: a, provider: openrouter, model: m, provider_config: {apiKey: }}]"
        let environment = [
            "OPENROUTER_API_KEY": "$literal", "OPENROUTER_ORDER": "a, b", "OPENROUTER_ALLOW_FALLBACKS": "true",
        ]
        #expect(
            try config(yaml, environment).routes[0].providerConfig.json
                == #"{"apiKey":"$literal","order":["a","b"],"allowFallbacks":true}"#)
    }

    @Test func theEnvironmentStaysAwayWhereARivalIsConfigured() throws {
        let environment = ["ANTHROPIC_API_KEY": "ek", "ANTHROPIC_AUTH_TOKEN": "et"]
        func json(_ own: String) throws -> String {
            let yaml = "models: [{name: a, provider: anthropic, model: m, provider_config: \(own)}]"
            return try config(yaml, environment).routes[0].providerConfig.json
        }
        #expect(try json("{authToken: t}") == #"{"authToken":"t"}"#)
        #expect(try json("{apiKey: k}") == #"{"apiKey":"k"}"#)
        #expect(try json("{}") == #"{"apiKey":"ek","authToken":"et"}"#)
    }

    @Test func theSidecarLiesBeneathEachUse() throws {
        let catalog = FakeCatalog(providers: [
            try FakeCatalog.plugin(
                "p", #"{"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"object"}}"#,
                base: #"{"a":1,"h":{"x":"$X","y":2}}"#)
        ])
        let yaml = "models:\n  - {name: a, provider: p, model: m, provider_config: {h: {y: 3}}}"
        #expect(
            try config(yaml, ["X": "ex"], catalog: catalog).routes[0].providerConfig.json
                == #"{"a":1,"h":{"x":"ex","y":3}}"#)
        // A mistake in the sidecar is shown at the entry that uses it: it has no place of its own in this file.
        #expect(try load(yaml, catalog: catalog).diagnostics.map(\.mark) == [Mark(line: 2, column: 5)])
    }

    @Test func optionalEntriesAreLeftOutUntilTheirVariablesAreSet() throws {
        let yaml = """
            models:
              - {name: a, provider: openrouter, model: m, optional: true}
              - {name: b, provider: demo, model: m}
            """
        let without = try load(yaml)
        #expect(without.config?.routes.map(\.modelName) == ["b"])
        #expect(without.config?.routes.map(\.index) == [0] && without.config?.routes.map(\.path) == ["models[1]"])
        #expect(without.diagnostics.map(\.severity) == [.info])
        #expect(try config(yaml, ["OPENROUTER_API_KEY": ""]).routes.count == 1)
        #expect(try config(yaml, ["OPENROUTER_API_KEY": "k"]).routes.map(\.modelName) == ["a", "b"])
    }

    @Test func anOptionalEntryWithNeitherOfTwoKeysIsLeftOut() throws {
        let yaml = """
            models:
              - {name: a, provider: anthropic, model: m, optional: true}
              - {name: b, provider: demo, model: m}
            """
        let without = try load(yaml)
        #expect(without.config?.routes.map(\.modelName) == ["b"])
        #expect(
            without.diagnostics.map(\.description)
                == ["c.yaml:2:5: info: models[0]: left out: ANTHROPIC_API_KEY is not set (optional: true)"])
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
            #expect(try config(yaml, [name: "k"]).routes.map(\.modelName) == ["a", "b"])
        }
    }

    @Test func aSecondStrategyInAGroupIsAWarning() throws {
        let yaml = """
            models:
              - {name: a, provider: demo, model: m}
              - {name: a, provider: demo, model: m, strategy: random}
              - {name: a, provider: demo, model: m, strategy: first}
              - {name: a, provider: demo, model: m, profile: a/b, strategy: first}
            """
        #expect(
            try load(yaml).diagnostics.map(\.description) == [
                "c.yaml:4:5: warning: models[2].strategy: ignored: models[1] already sets the strategy of 'a'; remove one",
                "c.yaml:5:50: warning: models[3].profile: contains a '/', so no URL /PROFILE/v1/... can reach it; rename it",
            ])
    }

    @Test func anchorsAliasesAndMergeKeysWork() throws {
        let yaml = """
            models:
              - &base {name: a, provider: vertex, model: m, provider_config: &c {x: 1}}
              - {<<: *base, name: b, provider_config: {<<: *c, y: 2}}
            """
        let routes = try config(yaml).routes
        #expect(routes.map(\.modelName) == ["a", "b"] && routes.map(\.upstreamModel) == ["m", "m"])
        #expect(routes[1].providerConfig == (try ConfigNode(parsingJSON: #"{"x":1,"y":2}"#)))
    }

    @Test func plainWordsFollowYAML12() throws {
        let values =
            "[yes, on, ~, True, 0x1F, 0o17, 1e3, -5, +5, 1.5, .5, 2024-01-01, 1.2.3, 'true', \"5\", 12345678901234567890]"
        let yaml = "models: [{name: a, provider: vertex, model: m, provider_config: {v: \(values)}}]"
        #expect(
            try config(yaml).routes[0].providerConfig.json
                == #"{"v":["yes","on",null,true,31,15,1000.0,-5,5,1.5,0.5,"2024-01-01","1.2.3","true","5",1.2345678901234567e+19]}"#
        )
    }

    @Test func keysLieOverTheProvidersConfiguration() throws {
        let yaml = """
            models:
              - name: a
                provider: openai
                model: m
                provider_config: {baseUrl: "http://x", apiKey: base}
                keys: [$ONE, {config: {apiKey: two, baseUrl: "http://y"}, weight: 3}, {config: {apiKey: off}, weight: 0}]
            """
        let route = try #require(try config(yaml, ["ONE": "first"]).routes.first)
        #expect(route.keys.map(\.weight) == [1, 3])
        #expect(route.keys.map { $0.config["apiKey"]?.string } == ["first", "two"])
        #expect(route.keys.map { $0.config["baseUrl"]?.string } == ["http://x", "http://y"])
    }

    @Test func keysOfAnOptionalEntryNeedNotAllBeThere() throws {
        func keys(_ environment: [String: String], optional: Bool) -> [String?]? {
            let yaml = """
                models:
                  - {name: a, provider: openai, model: m, optional: \(optional), keys: [$ONE, $TWO], provider_config: {baseUrl: http://x}}
                  - {name: b, provider: demo, model: m}
                """
            let routes = try? load(yaml, environment).config?.routes
            return routes?.first { $0.modelName == "a" }?.keys.map { $0.config["apiKey"]?.string }
        }
        #expect(keys(["TWO": "2"], optional: true) == ["2"])
        #expect(keys([:], optional: true) == nil)
        #expect(keys(["TWO": "2"], optional: false) == nil)
        #expect(keys(["ONE": "1", "TWO": "2"], optional: false) == ["1", "2"])
    }

    @Test func someKeyMustHaveAWeight() throws {
        let yaml = "models: [{name: a, provider: openai, model: m, keys: [{config: {apiKey: x}, weight: 0}]}]"
        let outcome = try load(yaml)
        #expect(outcome.config == nil)
        #expect(outcome.diagnostics.contains { $0.description.contains("models[0].keys: every key has weight 0") })
    }
}
