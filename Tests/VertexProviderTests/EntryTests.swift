import PluginABI
import PluginKit
import Testing
import VertexProviderLogic
import WireJSON

@Suite("Entry")
struct EntryTests {
    @Test("provider and token machine are offered, as the manifest lists them")
    func interfaces() throws {
        var handshake = kimi_handshake()
        handshake.struct_size = UInt32(MemoryLayout<kimi_handshake>.size)
        handshake.host = FakeHost.table
        let failure = Failure()
        let status = PluginExport.provider(
            VertexProvider.self, manifest: VertexProvider.manifest, handshake: &handshake,
            error: FakeHost.pointer(failure))
        #expect(status == 0)
        let parser = JSONParser()
        let root = try parser.parse(Array(VertexProvider.manifest.description.utf8))
        let listed = try #require(root["provides"]).elements.compactMap { $0["interface"]?.string }
        #expect(listed == [KIMI_PROVIDER_ID, KIMI_AUTH_ID])
        #expect(handshake.get_interface(KIMI_PROVIDER_ID) != nil)  // A library has one provider; this process several.
    }

    @Test("every property of the configuration is described")
    func described() throws {
        let parser = JSONParser()
        let root = try parser.parse(Array(VertexProvider.manifest.description.utf8))
        let schema = try #require(root["config_schema"])
        #expect(schema["additionalProperties"]?.bool == false)
        schema["properties"]?.forEachMember { name, schema in
            #expect(schema["description"]?.string?.hasSuffix(".") == true, "\(String(decoding: name, as: UTF8.self))")
        }
    }
}
