import JSONSchema
import PluginHost
import Testing

/// `kimi-host plugin inspect FILE`.
@Suite struct PluginInspectionTests {
    private func inspect(_ name: String) throws -> PluginInspection {
        try TestHost.shared.loader().inspect(file: try BuiltPlugins.path(name))
    }

    @Test func `the text names file, hash, format, interfaces and configuration`() throws {
        let inspection = try inspect("libDemoProvider.so")
        let lines = inspection.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("sha256    \(inspection.plugin.sha256)"))
        #expect(lines.contains { $0.hasPrefix("format    ELF shared library for ") && $0.hasSuffix("needs libc.so.6") })
        #expect(lines.contains("plugin    Demo 1.0.0 (dev.kimi-host.demo)"))
        #expect(lines.contains("abi       built 1.0, needs 1.0, granted 1.0"))
        #expect(lines.contains("provides  kimi.provider/1, as 'demo', frames raw, features stream tools reasoning"))
        #expect(
            lines.contains(
                "config    paceMs: integer, 0 to 1000, default 25; Milliseconds between two pieces of a streamed answer."
            ))
        #expect(lines.contains { $0.hasPrefix("config    script: one of auto tool answer, default auto; ") })
        #expect(!lines.contains { $0.hasPrefix("warning") })
        #expect(lines.contains(#"  "id": "dev.kimi-host.demo","#))
    }

    @Test func `the JSON form is one line and holds the manifest`() throws {
        let json = try inspect("good_transform.so").json
        #expect(!json.contains("\n"))
        let node = try ConfigNode(parsingJSON: json)
        #expect(node["id"]?.string == "test.good")
        #expect(node["abi"]?["granted"]?.string == "1.0")
        #expect(node["manifest"]?["provides"]?.array?.count == 2)
        #expect(node["sha256"]?.string?.utf8.count == 64)
    }

    @Test func `what an author may want to mend is said`() throws {
        let path = "\(try TestFiles.folder("inspect"))/chatty.so"
        // With every function global and none hidden, as a C file without care is built.
        try TestFiles.run([
            "cc", "-shared", "-fPIC", "-Dstatic=", "-I\(TestFiles.repository)/Sources/PluginABI/include", "-o", path,
            "\(TestFiles.repository)/Plugins/DemoProvider/demo_provider.c",
        ])
        try TestFiles.chmod(path, 0o755)
        let warnings = try TestHost.shared.loader().inspect(file: path).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("exports ") == true)
    }
}
