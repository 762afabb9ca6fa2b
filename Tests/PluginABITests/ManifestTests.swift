import JSONSchema
import PluginHost
import Testing

/// What a manifest may say, and the sentence for what it may not.
@Suite struct ManifestTests {
    private static let whole = """
        {"id":"com.example.vertex","name":"Vertex AI","version":"1.4.2","license":"MIT",
         "abi":{"built":"1.0","needs":"1.0"},
         "provides":[
           {"interface":"kimi.provider/1","name":"vertex","frames":"sse","dialects":["openai.chat"],"features":["stream"]},
           {"interface":"kimi.auth/1","keys":["gcp:*"]},
           {"interface":"com.example.thing/7"}],
         "config_schema":{"type":"object","properties":{"project":{"type":"string"}},"additionalProperties":false},
         "hosts":["*.GoogleAPIs.com"],"max_call_us":200,"a_key_of_later":{"x":[1]}}
        """

    private func parse(_ json: String) throws -> PluginManifest { try PluginManifest(parsing: Array(json.utf8)) }

    @Test func `every key is read`() throws {
        let manifest = try parse(Self.whole)
        #expect(manifest.id == "com.example.vertex")
        #expect(manifest.name == "Vertex AI")
        #expect(manifest.version == "1.4.2")
        #expect(manifest.license == "MIT")
        #expect(manifest.built == ABIVersion(major: 1, minor: 0) && manifest.needs == manifest.built)
        #expect(manifest.provides.map(\.interface) == [.provider, .auth, nil])
        #expect(manifest.provided(.provider)?.name == "vertex")
        #expect(manifest.provided(.provider)?.frames == .sse)
        #expect(manifest.provided(.provider)?.dialects == ["openai.chat"])
        #expect(manifest.provided(.provider)?.features == ["stream"])
        #expect(manifest.provided(.transform) == nil)
        #expect(manifest.hosts == ["*.googleapis.com"])
        #expect(manifest.maxCallMicroseconds == 200)
        #expect(manifest.node["a_key_of_later"]?["x"]?.json == "[1]")
        let wrong = try ConfigNode(parsingJSON: #"{"projekt":"p"}"#)
        #expect(manifest.configSchema.validate(wrong).count == 1)
    }

    @Test func `without a schema there is no configuration`() throws {
        let manifest = try parse(
            #"{"id":"a.b","name":"x","version":"1.0.0","abi":{"built":"1.0","needs":"1.0"},"#
                + #""provides":[{"interface":"kimi.transform/1","name":"x"}]}"#)
        #expect(manifest.configSchema.validate(ConfigNode(.object(ConfigObject()))).isEmpty)
        #expect(manifest.configSchema.validate(try ConfigNode(parsingJSON: #"{"a":1}"#)).count == 1)
        #expect(manifest.provided(.transform)?.frames == .raw)
        #expect(manifest.hosts.isEmpty && manifest.maxCallMicroseconds == nil)
    }

    /// A part of `whole`, what stands there instead, and the sentence it earns.
    static let faults: [(part: String, instead: String, message: String)] = [
        (#""com.example.vertex""#, #""vertex""#, #"'id' is "vertex", which is not well formed"#),
        (#""com.example.vertex""#, "5", "'id' is an integer, not a string"),
        (#""com.example.vertex""#, #""com..vertex""#, #"'id' is "com..vertex", which is not well formed"#),
        (#""name":"Vertex AI","#, "", "'name' is missing"),
        (#""1.4.2""#, #""1.4""#, #"'version' is "1.4", which is not well formed"#),
        (#""abi":{"built":"1.0","needs":"1.0"},"#, "", "'abi' is missing"),
        (#""needs":"1.0""#, #""needs":"one""#, #"'abi.needs' is "one", which is not well formed"#),
        (#""built":"1.0""#, #""built":"2.0""#, "'abi.built' is 2.0"),
        (#""needs":"1.0""#, #""needs":"1.1""#, "'abi.needs' is 1.1, newer than abi.built 1.0"),
        (#""name":"vertex""#, #""name":"Vertex""#, #"'provides[0].name' is "Vertex", which is not well formed"#),
        (#""name":"vertex","#, "", "'provides[0].name' is missing"),
        (#""frames":"sse""#, #""frames":"xml""#, #"'provides[0].frames' is "xml""#),
        (#"["openai.chat"]"#, #""openai.chat""#, "'provides[0].dialects' is not a list of strings"),
        (#""kimi.provider/1""#, #""kimi.transform/1""#, "'provides' has kimi.auth/1 without kimi.provider/1"),
        (#""com.example.thing/7""#, #""kimi.auth/1""#, "'provides' names kimi.auth/1 twice"),
        (#""com.example.thing/7""#, #""thing""#, #"'provides[2].interface' is "thing", which is not well formed"#),
        (#""*.GoogleAPIs.com""#, #""https://googleapis.com/""#, #"'hosts' contains "https://googleapis.com/""#),
        (#""max_call_us":200"#, #""max_call_us":0"#, "'max_call_us' is not a whole number above 0"),
        (#""project":{"type":"string"}"#, #""project":{"type":"text"}"#, "'config_schema.properties.project.type': "),
    ]

    @Test(arguments: faults.indices)
    func `what is wrong is named`(_ index: Int) throws {
        let fault = Self.faults[index]
        #expect(Self.whole.contains(fault.part))
        let json = Self.whole.replacing(fault.part, with: fault.instead)
        let invalid = #expect(throws: PluginManifest.Invalid.self) { try parse(json) }
        let message = invalid?.message ?? ""
        #expect(fault.message.hasSuffix(": ") ? message.hasPrefix(fault.message) : message.starts(with: fault.message))
        #expect(invalid?.cure.isEmpty == false)
    }

    @Test(arguments: ["1.0.0", "10.20.30", "1.2.3-rc.1", "1.2.3+build.5"])
    func `a version has three numbers`(_ version: String) throws {
        #expect(try parse(Self.whole.replacing(#""1.4.2""#, with: "\"\(version)\"")).version == version)
    }

    @Test func `any bytes end in a manifest or a sentence`() {
        let bytes = Array(Self.whole.utf8)
        var random = SplitMix(state: 7)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? PluginManifest(parsing: damaged)
        }
        for length in bytes.indices {
            #expect(throws: PluginManifest.Invalid.self) { try PluginManifest(parsing: Array(bytes[..<length])) }
        }
    }
}
