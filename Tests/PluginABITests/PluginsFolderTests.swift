import JSONSchema
import PluginHost
import Testing

/// plugins.d: order, sidecars, pins.
@Suite struct PluginsFolderTests {
    private static let demo = "libDemoProvider.so"
    private static let good = "good_transform.so"

    /// The line that `load` refuses the folder with, `plugins.d` standing for it.
    private func refusal(_ folder: String) -> String? {
        do throws(PluginLoadError) {
            _ = try TestHost.shared.loader().load(folder: folder)
            return nil
        } catch {
            return LoaderRefusalTests.normalized(error.description, folder)
        }
    }

    private func folder(_ name: String, _ libraries: [String], _ sidecars: [String: String] = [:]) throws -> String {
        let folder = try BuiltPlugins.pluginsFolder("folder-\(name)", with: libraries)
        for (name, text) in sidecars { try TestFiles.write("\(folder)/\(name)", text) }
        return folder
    }

    @Test func `good plugins load in the order of their names, with a line each`() throws {
        let folder = try folder("good", [Self.demo, Self.good], ["README.md": "not a plugin"])
        let plugins = try TestHost.shared.loader().load(folder: folder)
        #expect(plugins.map(\.manifest.id) == ["test.good", "dev.kimi-host.demo"])
        let sha256 = plugins[1].sha256
        #expect(sha256.count == 64)
        #expect(
            plugins[1].description == "Demo 1.0.0 (dev.kimi-host.demo) provider[demo] ABI 1.0 sha256 "
                + "\(sha256.prefix(12))… \(folder)/libDemoProvider.so")
        #expect(plugins[0].description.contains(" transform[good] unknown[com.example.thing/1] ABI 1.0 "))
        #expect(plugins[1].provider != nil && plugins[1].transform == nil && plugins[1].auth == nil)
        #expect(plugins[0].transform != nil && plugins[0].provider == nil)
        #expect(plugins[0].granted == ABIVersion(major: 1, minor: 0))
    }

    @Test func `an empty folder has no plugins, a missing one is an error`() throws {
        #expect(try TestHost.shared.loader().load(folder: try TestFiles.folder("empty/plugins.d")).isEmpty)
        let missing = "\(TestFiles.root)/missing/plugins.d"
        #expect(
            refusal(missing) == "plugins.d: find: the folder cannot be read: No such file or directory; cure: mkdir -p "
                + "plugins.d, or name another")
    }

    @Test func `sidecars give order, pin and configuration`() throws {
        let folder = try folder("sidecar", [Self.demo, Self.good])
        let loader = TestHost.shared.loader()
        let sha256 = try #require(try loader.load(folder: folder).first).sha256
        try TestFiles.write(
            "\(folder)/a-first.yaml",
            "path: libDemoProvider.so\nid: dev.kimi-host.demo\nconfig:\n  paceMs: 5\n  script: answer\n")
        try TestFiles.write("\(folder)/good_transform.yaml", "sha256: \(sha256.uppercased())\n")
        let plugins = try loader.load(folder: folder)
        #expect(plugins.map(\.manifest.id) == ["dev.kimi-host.demo", "test.good"])
        #expect(plugins[0].baseConfig?.json == #"{"paceMs":5,"script":"answer"}"#)
        #expect(plugins[1].baseConfig == nil)
    }

    @Test func `a wrong pin is refused with both hashes and the line to write`() throws {
        let pin = String(repeating: "0", count: 64)
        let folder = try folder("pin", [Self.good], ["good_transform.yaml": "sha256: '\(pin)'\n"])
        let sha256 = try TestHost.shared.loader().load(file: "\(folder)/\(Self.good)").sha256
        #expect(
            refusal(folder)
                == "plugins.d/good_transform.so: pin: sha256 is \(sha256), plugins.d/good_transform.yaml asks "
                + "for \(pin); cure: if this file is the one you want, write 'sha256: \(sha256)' in "
                + "plugins.d/good_transform.yaml")
    }

    @Test func `a sidecar without its library is refused`() throws {
        #expect(
            refusal(try folder("path", [], ["demo.yaml": "path: ../lib/libDemo.so\n"]))
                == "plugins.d/demo.yaml: find: 'path' names plugins.d/../lib/libDemo.so, and there is no such file; cure: "
                + "build it, correct 'path', or set 'enabled: false'")
        #expect(
            refusal(try folder("beside", [], ["demo.yaml": "enabled: true\n"]))
                == "plugins.d/demo.yaml: find: there is no library demo.so beside this sidecar; cure: build it, or name the "
                + "library: 'path: libdemo.so'")
    }

    @Test func `a disabled plugin is not loaded, and said so`() throws {
        // abi_2 would be refused if it were looked at; the third sidecar's library need not even exist.
        let folder = try folder(
            "disabled", ["abi_2.so", Self.good],
            ["abi_2.yaml": "enabled: false\n", "off.yaml": "enabled: false\npath: nowhere.so\n"])
        var notices: [String] = []
        let plugins = try TestHost.shared.loader { notices.append($0) }.load(folder: folder)
        #expect(plugins.map(\.manifest.id) == ["test.good"])
        #expect(
            notices.map { LoaderRefusalTests.normalized($0, folder) } == [
                "plugins.d/abi_2.so: not loaded, plugins.d/abi_2.yaml says 'enabled: false'",
                "plugins.d/nowhere.so: not loaded, plugins.d/off.yaml says 'enabled: false'",
            ])
    }

    @Test func `an id that is not the library's is refused`() throws {
        let folder = try folder("id", [Self.good], ["good_transform.yaml": "id: test.better\n"])
        #expect(
            refusal(folder) == "plugins.d/good_transform.so: manifest: the plugin's id is test.good, "
                + "plugins.d/good_transform.yaml asks for test.better; cure: correct 'id' or 'path' in "
                + "plugins.d/good_transform.yaml")
    }

    @Test func `two sidecars of one library are refused, however the path is spelt`() throws {
        let folder = try folder(
            "twice", [Self.good],
            ["a.yaml": "path: good_transform.so\n", "b.yaml": "path: ../plugins.d/good_transform.so\n"])
        #expect(
            refusal(folder) == "plugins.d/b.yaml: find: names plugins.d/../plugins.d/good_transform.so, and so does "
                + "plugins.d/a.yaml; cure: remove one of the two")
    }

    @Test(arguments: [
        (
            "sha265: abc\n",
            "line 1: there is no key 'sha265'; did you mean 'sha256'?; cure: use id, path, sha256, config, "
                + "enabled, isolation, python; the plugin's own settings go under 'config'"
        ),
        (
            "enabled: true\nsha256: abc\n",
            "line 2: 'sha256' must be 64 hexadecimal digits; cure: copy what 'sha256sum' prints"
        ),
        ("enabled: perhaps\n", "line 1: 'enabled' must be true or false; cure: write true or false"),
        ("config: 5\n", "line 1: 'config' must be keys and values; cure: indent them below 'config:'"),
        ("path: 5\n", "line 1: 'path' must be a string; cure: put it in quotes"),
        ("- one\n", "line 1: is a list, not keys and values; cure: write 'enabled: true'"),
        (
            "a: [1\n",
            "line 2: is not YAML: did not find expected ',' or ']' (while parsing a flow sequence, line 1); cure: correct the text"
        ),
        ("id: a.b\nid: c.d\n", "line 1: the key 'id' is written more than once; keep one; cure: correct the text"),
    ])
    func `a sidecar that is wrong is refused with its line, and its library is not loaded`(
        _ text: String, _ line: String
    ) throws {
        let folder = try TestFiles.folder("folder-wrong-\(text.utf8.reduce(5381) { $0 &* 33 &+ Int($1) })/plugins.d")
        try TestFiles.copy(try BuiltPlugins.path(Self.good), "\(folder)/\(Self.good)")
        try TestFiles.write("\(folder)/good_transform.yaml", text)
        let report = TestHost.shared.loader().loadAll(folder: folder)
        #expect(report.plugins.isEmpty)
        let lines = report.errors.map { LoaderRefusalTests.normalized($0.description, folder) }
        #expect(lines == ["plugins.d/good_transform.yaml: config: \(line)"])
    }

    @Test func `a sidecar with the other spelling of its ending is not overlooked`() throws {
        #expect(
            refusal(try folder("yml", [Self.good], ["good_transform.yml": "enabled: false\n"]))
                == "plugins.d/good_transform.yml: find: a sidecar's name ends in .yaml; cure: mv "
                + "plugins.d/good_transform.yml plugins.d/good_transform.yaml")
    }

    @Test func `a file replaced after it was loaded is refused, because the old code stays mapped`() throws {
        let folder = try folder("replaced", [Self.good])
        let loader = TestHost.shared.loader()
        let before = try #require(try loader.load(folder: folder).first).sha256
        try TestFiles.copy(try BuiltPlugins.path(Self.demo), "\(folder)/new")
        try TestFiles.run(["mv", "\(folder)/new", "\(folder)/\(Self.good)"])
        #expect(
            refusal(folder)
                == "plugins.d/good_transform.so: dlopen: another version of this file (sha256 \(before)) is "
                + "loaded and stays so; cure: restart the host, or give the new version another file name")
    }
}
