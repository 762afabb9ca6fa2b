import CryptoExtras
import JSONSchema
import KimiHostCore
import PluginHost
import Testing

@Suite struct CredentialTests {
    static let catalog = try? FakeCatalog(
        providers: [
            FakeCatalog.plugin(
                "v",
                """
                {"type":"object","additionalProperties":false,"required":["credentials"],"properties":{
                  "credentials":{"type":"object","x-json-file":true,"x-env":"V_CREDENTIALS",
                    "required":["private_key"],"properties":{
                      "private_key":{"type":"string","x-sign-key":true},
                      "token_uri":{"type":"string","x-host":true}}}}}
                """)
        ])
    static let key = (try? _RSA.Signing.PrivateKey(keySize: .bits2048))?.pkcs8PEMRepresentation ?? ""
    static let yaml = "models: [{name: a, provider: v, model: m}]"

    static func json(_ key: String) -> String {
        ConfigNode(
            .object(
                ConfigObject([
                    .init(key: "private_key", value: .string(key)),
                    .init(key: "token_uri", value: .string("https://t.example/token")),
                ]))
        ).json
    }

    func errors(_ value: String, _ yaml: String = yaml) throws -> [String] {
        let outcome = try load(yaml, ["V_CREDENTIALS": value], catalog: Self.catalog)
        let messages = outcome.diagnostics.filter { $0.severity == .error }.map(\.description)
        #expect(messages.allSatisfy { !$0.contains(Self.key.dropFirst(100).prefix(20)) })
        return messages
    }

    @Test func anObjectATextAndAFileAreTheSame() throws {
        let files = try TemporaryFolder()
        let path = try files.write("key.json", Self.json(Self.key))
        let wanted = try ConfigNode(parsingJSON: Self.json(Self.key))
        for value in [path, Self.json(Self.key), " \n" + Self.json(Self.key)] {
            let config = try config(Self.yaml, ["V_CREDENTIALS": value], catalog: Self.catalog)
            #expect(config.routes[0].providerConfig["credentials"] == wanted)
        }
        let own = "provider_config: {credentials: \(Self.json(Self.key))}"
        let inline = "models: [{name: a, provider: v, model: m, \(own)}]"
        #expect(try config(inline, catalog: Self.catalog).routes[0].providerConfig["credentials"] == wanted)
    }

    @Test func aPathCountsFromTheConfigurationsFolder() throws {
        let files = try TemporaryFolder()
        _ = try files.write("key.json", Self.json(Self.key))
        let yaml = "models: [{name: a, provider: v, model: m, provider_config: {credentials: key.json}}]"
        let path = try files.write("c.yaml", yaml)
        let loader = ConfigLoader(environment: Environment([:]), catalog: try #require(Self.catalog))
        #expect(loader.load(.file(path: path, origin: .option)).config != nil)
        let home = ["V_CREDENTIALS": "~/key.json", "HOME": files.path]
        #expect(try load(Self.yaml, home, catalog: Self.catalog).config != nil)
        #expect(try errors("~/key.json")[0].contains("HOME is not set"))
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(try errors("/no/such/key.json").first)
        #expect(error.contains("cannot read /no/such/key.json: No such file"))
        #expect(error.contains("models[0].provider_config.credentials: ") && error.contains("variable V_CREDENTIALS"))
    }

    @Test func aFileThatIsNoJSONIsNamed() throws {
        let files = try TemporaryFolder()
        for (text, words) in [
            (Self.key, "is not JSON"), ("{\"private_key\": \"x", "is not JSON"), ("[1]", "holds a list"),
            ("", "not JSON"),
            (String(repeating: " ", count: 70_000), "larger than the 65536 bytes"),
        ] {
            let path = try files.write("bad.json", text)
            let found = try errors(path)
            #expect(found.count == 1 && found[0].contains(words) && found[0].contains(path), "\(found)")
            #expect(found[0].contains("V_CREDENTIALS"))
        }
        #expect(try errors("{\"private_key\": ")[0].contains("the JSON text is not JSON"))
    }

    @Test func aTextThatIsNeitherIsNotShown() throws {
        for text in ["c2VjcmV0LXNlY3JldA==", "/" + String(repeating: "x", count: 2_000)] {
            let found = try errors(text)
            #expect(found.count == 1 && found[0].contains("must be a JSON object, or the path"))
            #expect(!found[0].contains("c2Vj") && !found[0].contains("xxx"))
        }
    }

    @Test func aMissingMemberIsNamed() throws {
        let files = try TemporaryFolder()
        let path = try files.write("key.json", "{\"type\": \"service_account\"}")
        let found = try errors(path)
        #expect(found.count == 1 && found[0].contains("private_key") && found[0].contains(path), "\(found)")
        #expect(found[0].contains("V_CREDENTIALS") && found[0].contains("models[0].provider_config.credentials"))
    }

    @Test func aBrokenKeyIsNamed() throws {
        let cut = String(Self.key.prefix(400))
        let lines = Self.key.split(separator: "\n")
        let damaged = ([lines[0], "AAAA"] + lines.dropFirst(2)).joined(separator: "\n")
        for (key, words) in [
            ("", "is empty"), ("hello", "is not PEM"), (cut, "is cut off"), (damaged, "does not hold"),
            (Self.key.split(separator: "\n").joined(separator: "\\n"), "a backslash and an n"),
            ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "is a CERTIFICATE, not a private key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----", "decrypt it"),
        ] {
            let found = try errors(Self.json(key))
            #expect(found.count == 1 && found[0].contains(words), "\(found)")
            #expect(found[0].contains("models[0].provider_config.credentials.private_key: "))
            #expect(found[0].contains("(in the JSON text) (from the variable V_CREDENTIALS)"))
        }
    }

    @Test func keysAreReplacedByReferences() throws {
        let schema = try #require(Self.catalog?.providers.first?.schema)
        var config = try ConfigNode(parsingJSON: "{\"credentials\":\(Self.json(Self.key))}")
        let keys = SigningKeys(takingFrom: &config, schema: schema)
        #expect(keys.mistakes.isEmpty && config["credentials"]?["private_key"]?.string == "key:credentials.private_key")
        #expect(schema.values(marked: "x-host", in: config).map(\.node.string) == ["https://t.example/token"])
        let planned = PlannedSignature(
            id: 0, algorithm: "RS256", key: "key:credentials.private_key", data: Array("x".utf8))
        #expect(try keys.sign(planned).count == 256)
        #expect(throws: SigningKey.Problem.self) {
            try keys.sign(PlannedSignature(id: 0, algorithm: "none", key: planned.key, data: planned.data))
        }
    }
}
