import Testing

/// A faulty plugin and the one line it is refused with. `plugins.d` stands for the test's folder.
struct Refusal: CustomTestStringConvertible, Sendable {
    let plugin: String
    /// What follows "plugins.d/NAME.so: ".
    let line: String

    var testDescription: String { plugin }

    init(_ plugin: String, _ line: String) {
        self.plugin = plugin
        self.line = line
    }
}

extension Refusal {
    /// In the order of the loader's steps.
    static let all: [Refusal] = [
        Refusal(
            "not_elf",
            #"elf: not a shared library: it looks like a script; cure: remove it, or build the plugin with -shared"#),
        Refusal(
            "empty",
            #"elf: the file is empty; cure: copy or build it again"#),
        Refusal(
            "mach_o",
            #"elf: not a shared library: it looks like a Mach-O file for macOS; cure: remove it, or build "#
                + #"the plugin with -shared"#),
        Refusal(
            "wrong_arch",
            #"elf: built for aarch64, this host is x86_64; cure: build it for x86_64"#),
        Refusal(
            "bits_32",
            #"elf: a 32-bit library, this host is 64-bit x86_64; cure: build it for x86_64"#),
        Refusal(
            "big_endian",
            #"elf: a big-endian library, this host is little-endian; cure: build it for x86_64"#),
        Refusal(
            "executable",
            #"elf: a program, not a shared library; cure: link the plugin with -shared -fPIC"#),
        Refusal(
            "pie",
            #"elf: a program, not a shared library; cure: link the plugin with -shared -fPIC"#),
        Refusal(
            "object_file",
            #"elf: an object file, not a shared library; cure: link the plugin with -shared -fPIC"#),
        Refusal(
            "truncated",
            #"elf: the file is cut off or damaged: a segment ends at byte N, the file has 4096; cure: "#
                + #"copy or build it again"#),
        Refusal(
            "truncated_head",
            #"elf: the file is cut off or damaged: it has only 40 bytes; cure: copy or build it again"#),
        Refusal(
            "no_entry",
            #"elf: not a kimi-host plugin: it exports no kimi_plugin_entry_v1; cure: remove it, or export "#
                + #"the entry with KIMI_EXPORT"#),
        Refusal(
            "abi_2",
            #"elf: a plugin for ABI 2, this host has ABI 1; cure: update the host, or build the plugin for ABI 1"#),
        Refusal(
            "undefined_symbol",
            #"dlopen: undefined symbol: a_function_that_nobody_wrote; cure: link the plugin with the "#
                + #"library that has this symbol (-Wl,-z,defs finds it at link time)"#),
        Refusal(
            "entry_error",
            #"entry: the plugin refuses to start (KIMI_E_CONFIG): the licence file is missing; cure: see "#
                + #"the plugin's own documentation"#),
        Refusal(
            "entry_error_silent",
            #"entry: the plugin refuses to start (KIMI_E_INTERNAL): it gives no reason; cure: see the "#
                + #"plugin's own documentation"#),
        Refusal(
            "entry_weird",
            #"entry: the entry returned 12345, which is neither KIMI_OK nor an error; cure: return "#
                + #"KIMI_OK, or a negative status after host->fail"#),
        Refusal(
            "needs_newer",
            #"entry: the plugin needs a host of ABI 1.5, this host has 1.0; cure: update the host, or use "#
                + #"an older version of the plugin"#),
        Refusal(
            "abi_disagrees",
            #"manifest: 'abi' says built 1.3, needs 1.0; the handshake says built 1.0, needs 1.0; cure: "#
                + #"make the two agree"#),
        Refusal(
            "manifest_null",
            #"manifest: there is no manifest; cure: set handshake->manifest to static JSON text"#),
        Refusal(
            "manifest_huge",
            #"manifest: the manifest has 4294967296 bytes, more than the 1048576 this host reads; cure: "#
                + #"set handshake->manifest.len to the length of the text"#),
        Refusal(
            "manifest_not_json",
            #"manifest: the manifest is not JSON: this is not a JSON value (line 1, column 1); cure: "#
                + #"correct the manifest text in the plugin's source"#),
        Refusal(
            "manifest_no_id",
            #"manifest: 'id' is missing; cure: add "id": "com.example.thing""#),
        Refusal(
            "manifest_bad_schema",
            #"manifest: 'config_schema.proprties': …; cure: correct the schema in the plugin's manifest"#),
        Refusal(
            "manifest_no_provides",
            #"manifest: 'provides' is missing or empty; cure: add "provides": [{"interface": "#
                + #""kimi.provider/1", "name": "mine"}]"#),
        Refusal(
            "manifest_bad_name",
            #"manifest: 'provides[0].name' is "My Transform", which is not well formed; cure: write "#
                + #"something like "my-name""#),
        Refusal(
            "only_unknown_interface",
            #"manifest: 'provides' has nothing this host knows (com.example.thing/1); cure: update the host"#),
        Refusal(
            "no_get_interface",
            #"interfaces: get_interface is NULL; cure: set handshake->get_interface"#),
        Refusal(
            "missing_interface",
            #"interfaces: the manifest provides kimi.auth/1, and get_interface returns NULL for it; cure: "#
                + #"return its table, or take it out of 'provides'"#),
        Refusal(
            "null_provider_member",
            #"interfaces: kimi_provider.flush is NULL; cure: it is required: implement it"#),
        Refusal(
            "null_transform_member",
            #"interfaces: kimi_transform.feed is NULL; cure: it is required: implement it"#),
        Refusal(
            "size_zero",
            #"interfaces: kimi_transform.struct_size is 0, the table of ABI 1.0 has 56 bytes; cure: set "#
                + #"struct_size = sizeof(kimi_transform)"#),
        Refusal(
            "size_small",
            #"interfaces: kimi_provider.struct_size is 64, the table of ABI 1.0 has 72 bytes; cure: set "#
                + #"struct_size = sizeof(kimi_provider)"#),
        Refusal(
            "foreign_pointer",
            #"interfaces: kimi_transform.destroy points outside the plugin's own code; cure: fill the "#
                + #"table with functions of the plugin; wrap one of another library in your own"#),
        Refusal(
            "data_pointer",
            #"interfaces: kimi_transform.end points at data, not at code; cure: fill the table with functions"#),
    ]
}
