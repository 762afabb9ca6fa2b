import JSONSchema
import PluginHost
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A process that loads its plugins folder again and again: private copies, versions beside each other, their bounds.
@Suite struct PluginStoreTests {
    private static let good = "good_transform.so"

    private func copies(_ place: String) throws -> PluginCopies {
        var notices: [String] = []
        let made = PluginCopies(places: [place], insecurePaths: false) { notices.append($0) }
        return try #require(made, "\(notices)")
    }

    private func store(_ name: String) throws -> PluginStore {
        PluginStore(copies: try copies(try TestFiles.folder("store-\(name)") + "/plugins"))
    }

    private func load(_ folder: String, _ store: PluginStore) throws -> LoadedPlugin {
        let loader = PluginLoader(host: TestHost.shared.table, services: TestHost.shared, store: store)
        return try #require(try loader.load(folder: folder).first)
    }

    /// Puts the good transform with so many bytes behind its end into `folder`: another content, the same code.
    private func put(_ folder: String, version: Int) throws {
        let bytes = try TestFiles.read(try BuiltPlugins.path(Self.good)) + [UInt8](repeating: 0, count: version)
        try TestFiles.write("\(folder)/new", bytes)
        try TestFiles.run(["mv", "\(folder)/new", "\(folder)/\(Self.good)"])
    }

    @Test func `a replaced file is another library, beside the first`() throws {
        let folder = try BuiltPlugins.pluginsFolder("store-swap", with: [Self.good])
        let store = try store("swap")
        let first = try load(folder, store)
        #expect(store.take([first]).isEmpty && first.library.state == .active)
        try put(folder, version: 1)
        let second = try load(folder, store)
        #expect(second.sha256 != first.sha256 && second.library !== first.library)
        #expect(second.library.state == .unused && second.transform != first.transform)
        let lines = store.take([second])
        let old = "plugin test.good: \(first.manifest.version) (sha256 \(first.sha256.prefix(12))…) replaced by "
        #expect(lines.count == 1 && lines[0].hasPrefix(old), "\(lines)")
        #expect(first.library.state == .retired && second.library.state == .active)
        #expect(store.tidy().count == 1 && store.tidy().isEmpty, "it rests once")
        // One that rests is not used again (S17): the first version comes back in a copy of its own.
        try put(folder, version: 0)
        let third = try load(folder, store)
        #expect(third.sha256 == first.sha256 && third.library !== first.library)
        #expect(third.library.mapped == first.library.mapped + ".2")
    }

    @Test func `the same content is not mapped again, its sidecar counts anew`() throws {
        let folder = try BuiltPlugins.pluginsFolder("store-same", with: [Self.good])
        let store = try store("same")
        let first = try load(folder, store)
        _ = store.take([first])
        try TestFiles.write("\(folder)/good_transform.yaml", "config: {a: 1}\n")
        try TestFiles.run(["touch", "\(folder)/\(Self.good)"])
        let second = try load(folder, store)
        #expect(second.library === first.library && second.baseConfig?.json == #"{"a":1}"#)
        #expect(store.take([second]).isEmpty && store.libraries.count == 1)
    }

    @Test func `what is mapped is the content that was hashed, in a file that nobody else writes`() throws {
        let folder = try BuiltPlugins.pluginsFolder("store-copy", with: [Self.good])
        let store = try store("copy")
        let plugin = try load(folder, store)
        let mapped = plugin.library.mapped
        #expect(mapped.hasSuffix("/\(Self.good).\(plugin.sha256.prefix(16))"))
        #expect(try TestFiles.read(mapped) == TestFiles.read("\(folder)/\(Self.good)"))
        var status = stat()
        #expect(stat(mapped, &status) == 0 && UInt32(status.st_mode) & 0o777 == 0o500)
        // Overwritten in place: what is mapped does not change.
        try TestFiles.write("\(folder)/\(Self.good)", [UInt8](repeating: 0xFF, count: 4096))
        #expect(plugin.library.sha256 == plugin.sha256)
        #expect(throws: PluginLoadError.self) { try load(folder, store) }
    }

    @Test func `after many libraries comes the advice to restart, and after more of them no further one`() throws {
        let folder = try BuiltPlugins.pluginsFolder("store-many", with: [Self.good])
        let store = try store("many")
        for version in 1...PluginStore.maxMapped {
            try put(folder, version: version)
            _ = store.take([try load(folder, store)])
            let warning = store.warning()
            #expect((warning != nil) == (version >= PluginStore.manyMapped), "\(version)")
            #expect(store.warning() == nil, "once for each")
        }
        #expect(store.libraries.count { $0.state == .retired } == PluginStore.maxMapped - 1)
        try put(folder, version: PluginStore.maxMapped + 1)
        let refusal = #expect(throws: PluginLoadError.self) { try load(folder, store) }
        #expect(refusal?.step == .dlopen && refusal?.cure == "restart the host")
        try put(folder, version: PluginStore.maxMapped)
        #expect(try load(folder, store).library.state == .active, "the one that serves goes on")
    }

    @Test func `a refused library is not called again until somebody asks for it`() throws {
        let folder = try BuiltPlugins.pluginsFolder("store-refused", with: ["entry_error.so"])
        let store = try store("refused")
        let first = #expect(throws: PluginLoadError.self) { try load(folder, store) }
        let second = #expect(throws: PluginLoadError.self) { try load(folder, store) }
        #expect(first == second && first?.step == .entry)
        let place = try #require(store.copies).folder
        #expect(try TestFiles.names(in: place).count { $0.hasPrefix("entry_error") } == 1)
        store.forgetRefusals()
        #expect(throws: PluginLoadError.self) { try load(folder, store) }
        #expect(try TestFiles.names(in: place).count { $0.hasPrefix("entry_error") } == 2)
    }

    @Test func `a plugin finds the libraries beside its original`() throws {
        let folder = try TestFiles.folder("store-origin/plugins.d")
        let include = "\(TestFiles.repository)/Sources/PluginABI/include"
        let source = "\(TestFiles.repository)/Tests/BadPlugins/good_transform.c"
        try TestFiles.run(["mkdir", "-p", "\(folder)/lib"])
        try TestFiles.write("\(folder)/helper.c", "int helper_answer(void) { return 42; }\n")
        try TestFiles.write(
            "\(folder)/use.c",
            "extern int helper_answer(void);\n__attribute__((constructor)) static void use(void) { helper_answer(); }\n"
        )
        try TestFiles.run([
            "cc", "-shared", "-fPIC", "-Wl,-soname,libstore_helper.so", "-o", "\(folder)/lib/libstore_helper.so",
            "\(folder)/helper.c",
        ])
        try TestFiles.run([
            "cc", "-shared", "-fPIC", "-fvisibility=hidden", "-I\(include)", "-o", "\(folder)/origin.so", source,
            "\(folder)/use.c", "-L\(folder)/lib", "-lstore_helper", "-Wl,-z,defs", "-Wl,-rpath,$ORIGIN/lib",
        ])
        #expect(try load(folder, try store("origin")).manifest.id == "test.good")
    }

    @Test func `folders of processes that have ended are removed, others are not`() throws {
        let place = try TestFiles.folder("store-sweep") + "/plugins"
        let living = try copies(place)
        let dead = "\(place)/run-1-dead"
        try TestFiles.run(["mkdir", dead])
        try TestFiles.write("\(dead)/lib.so.0123", "x")
        try TestFiles.write("\(place)/note", "not ours")
        let second = try copies(place)
        #expect(second.folder != living.folder)
        #expect(Set(try TestFiles.names(in: place)).isSuperset(of: [Self.name(living), Self.name(second), "note"]))
        #expect(!(try TestFiles.names(in: place)).contains("run-1-dead"))
        second.remove()
        #expect(!(try TestFiles.names(in: place)).contains(Self.name(second)))
    }

    private static func name(_ copies: PluginCopies) -> String {
        copies.folder.split(separator: "/").last.map(String.init) ?? ""
    }

    @Test func `a place that others may write to is not used, the next one is`() throws {
        let open = try TestFiles.folder("store-open")
        try TestFiles.chmod(open, 0o777)
        let place = try TestFiles.folder("store-closed") + "/plugins"
        var notices: [String] = []
        let made = PluginCopies(places: ["\(open)/plugins", place], insecurePaths: false) { notices.append($0) }
        #expect(made?.folder.hasPrefix(place) == true)
        #expect(notices.count == 1 && notices[0].contains("is not used for copies of plugins"))
        #expect(PluginCopies(places: [], insecurePaths: false) { _ in } == nil)
    }
}
