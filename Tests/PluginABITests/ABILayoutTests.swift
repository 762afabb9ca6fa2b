import ABILayout
import PluginABI
import Testing

/// ABI 1.0 as Swift sees it has the numbers that C asserts at compile time.
@Suite struct ABILayoutTests {
    @Test(arguments: ABILayout10.structs)
    func `a struct has its size, alignment and offsets`(_ layout: StructLayout) {
        for (index, member) in layout.members.enumerated() {
            #expect(layout.found[index] == layout.expected[index], "\(layout.name).\(member)")
        }
    }

    @Test func `every constant has its number`() {
        for (name, found, expected) in ABIConstants10.all { #expect(found == expected, "\(name)") }
        #expect(ABIConstants10.all.count == 92)
        #expect(KIMI_ABI_MAJOR == 1)
    }

    @Test func `the names that are looked up have not changed`() {
        #expect(KIMI_ENTRY_SYMBOL == "kimi_plugin_entry_v1")
        #expect(KIMI_PROVIDER_ID == "kimi.provider/1")
        #expect(KIMI_AUTH_ID == "kimi.auth/1")
        #expect(KIMI_TRANSFORM_ID == "kimi.transform/1")
        #expect(KIMI_HOST_KV_ID == "kimi.host.kv/1")
        #expect(KIMI_HOST_NOTES_ID == "kimi.host.notes/1")
    }

    @Test func `the C files that assert layout and signatures are part of the build`() {
        #expect(kimi_abi_layout_is_1_0() == 1)
        #expect(kimi_abi_signatures_are_1_0() == 1)
    }
}
