import PluginHost
import Testing

/// Every faulty plugin of Tests/BadPlugins is refused with one line that names the file, the step and the cure.
@Suite struct LoaderRefusalTests {
    @Test(arguments: Refusal.all)
    func `a faulty plugin is refused with its own line`(_ refusal: Refusal) throws {
        let folder = try BuiltPlugins.pluginsFolder("refuse-\(refusal.plugin)", with: ["\(refusal.plugin).so"])
        let report = TestHost.shared.loader().loadAll(folder: folder)
        #expect(report.plugins.isEmpty)
        let lines = report.errors.map { Self.normalized($0.description, folder) }
        #expect(lines == ["plugins.d/\(refusal.plugin).so: \(refusal.line)"])
    }

    @Test func `every plugin of the folder has a test`() throws {
        let elsewhere = ["good_transform", "duplicate_name", "duplicate_id"]
        let tested = Set(Refusal.all.map(\.plugin) + elsewhere)
        let sources = try TestFiles.names(in: "\(TestFiles.repository)/Tests/BadPlugins")
        for source in sources where source.hasSuffix(".c") { #expect(tested.contains(String(source.dropLast(2)))) }
    }

    @Test(arguments: [("duplicate_name", "provides transform[good]"), ("duplicate_id", "has the id test.good")])
    func `what another plugin has already is refused with both files named`(_ name: String, _ what: String) throws {
        let folder = try BuiltPlugins.pluginsFolder(
            "refuse-\(name)", with: ["good_transform.so", "\(name).so"])
        // Sorted by name, the duplicate would come first.
        try TestFiles.run(["mv", "\(folder)/\(name).so", "\(folder)/z_\(name).so"])
        let report = TestHost.shared.loader().loadAll(folder: folder)
        #expect(report.plugins.map(\.manifest.id) == ["test.good"])
        let line =
            "plugins.d/z_\(name).so: manifest: \(what), and so does plugins.d/good_transform.so; cure: remove one "
            + "of the two, or disable it with 'enabled: false' in its sidecar"
        #expect(report.errors.map { Self.normalized($0.description, folder) } == [line])
    }

    @Test func `check collects every error, load stops at the first`() throws {
        let folder = try BuiltPlugins.pluginsFolder(
            "refuse-several", with: ["abi_2.so", "good_transform.so", "no_entry.so", "size_zero.so"])
        let report = TestHost.shared.loader().loadAll(folder: folder)
        #expect(report.plugins.map(\.manifest.id) == ["test.good"])
        #expect(report.errors.map(\.step) == [.elf, .elf, .interfaces])
        let first = #expect(throws: PluginLoadError.self) { try TestHost.shared.loader().load(folder: folder) }
        #expect(first?.file == "\(folder)/abi_2.so")
    }

    @Test func `text of a plugin stays on one line and has a bound`() {
        let long = String(repeating: "x", count: 5000)
        let error = PluginLoadError(file: "f", step: .entry, message: "a\nb\u{1B}[31m" + long, cure: "c\r\nd")
        #expect(error.description.hasPrefix("f: entry: a b [31mxxx"))
        #expect(error.description.hasSuffix("x…; cure: c d") || error.description.hasSuffix("x…; cure: c  d"))
        #expect(error.description.count < 1100)
    }

    /// The folder as `plugins.d`; numbers that the compiler decides, and the words of JSONSchema, left out.
    static func normalized(_ line: String, _ folder: String) -> String {
        line.replacing(folder, with: "plugins.d")
            .replacing(#/ends at byte \d+/#, with: "ends at byte N")
            .replacing(#/('config_schema\.proprties': ).*(; cure)/#) { "\($0.1)…\($0.2)" }
    }
}
