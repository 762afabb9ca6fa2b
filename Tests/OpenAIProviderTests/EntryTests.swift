import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import PluginKit
import Testing
import WireJSON

@Suite("Entry")
struct EntryTests {
    @Test("the handshake is answered, twice the same, and refused for a smaller table")
    func handshake() {
        let failure = Failure()
        func call(_ size: UInt32) -> (kimi_status, kimi_handshake) {
            var handshake = kimi_handshake()
            handshake.struct_size = size
            handshake.host = FakeHost.table
            let status = PluginExport.provider(
                OpenAIProvider.self, manifest: OpenAIProvider.manifest, handshake: &handshake,
                error: FakeHost.pointer(failure))
            return (status, handshake)
        }
        for _ in 0..<2 {
            let (status, handshake) = call(UInt32(MemoryLayout<kimi_handshake>.size))
            #expect(status == 0)
            #expect(handshake.plugin_minor == UInt32(KIMI_ABI_MINOR))
            #expect(handshake.get_interface(KIMI_PROVIDER_ID) == UnsafeRawPointer(PluginTesting.providerTable))
            #expect(handshake.get_interface(KIMI_TRANSFORM_ID) == nil)
            #expect(handshake.get_interface("kimi.unknown/9") == nil)
        }
        #expect(call(8).0 == KIMI_E_VERSION.rawValue)
    }

    @Test("manifests are JSON with an id, what they provide, and a described config", arguments: [0, 1])
    func manifest(number: Int) throws {
        let text = [OpenAIProvider.manifest, OpenRouterProvider.manifest][number].description
        let parser = JSONParser()
        let root = try parser.parse(Array(text.utf8))
        #expect(root["provides"]?[index: 0]?["name"]?.string == ["openai", "openrouter"][number])
        #expect(root["config_schema"]?["additionalProperties"]?.bool == false)
        root["config_schema"]?["properties"]?.forEachMember { name, schema in
            #expect(schema["description"]?.string?.hasSuffix(".") == true, "\(String(decoding: name, as: UTF8.self))")
        }
    }

    @Test("a NULL where a pointer is due is answered, not followed")
    func nulls() {
        let table = PluginTesting.providerTable.pointee
        #expect(table.next(nil, nil, nil) == KIMI_E_ARG.rawValue)
        #expect(table.feed(nil, nil, 0, nil, nil) == KIMI_E_ARG.rawValue)
        #expect(table.flush(nil, 1, nil, nil) == KIMI_E_ARG.rawValue)
        table.end(nil, 1)
        table.destroy(nil)
    }
}
