import JSONSchema
import KimiHostCore
import PluginHost
import RequestLog

/// The loaded plugins, by docs/dashboard-api.md.
enum PluginsJSON {
    static func bytes(
        of plugins: [LoadedPlugin], _ routes: [RouteConfig], _ store: PluginStore, notes: [HostMetrics.NoteKey: Int]
    ) -> [UInt8] {
        let report = PluginCallReport.now
        let object = JSONObjectWriter()
        object.array("plugins", plugins) { plugin, object in
            identity(plugin, object)
            let names = plugin.manifest.provides.map(\.name)
            object.texts("used_by", models(of: routes, using: Set(names)))
            object.raw("config_schema", plugin.manifest.configSchemaNode.jsonBytes)
            figures(report, plugin.manifest.id, object)
            did(notes, Set(names + [plugin.manifest.id]), object)
            if plugin.quarantine == nil { use(plugin.library, object) }
        }
        // Versions that others have taken the place of, while somebody uses them.
        let active = store.active
        let former = store.libraries.filter { library in !active.contains { $0 === library } }
        object.array("former", former) { library, object in
            object.text("id", library.id)
            object.text("version", library.version)
            object.text("sha256", library.sha256)
            use(library, object)
        }
        return object.end()
    }

    private static func use(_ library: PluginLibrary, _ object: JSONObjectWriter) {
        object.text("state", library.state.rawValue)
        object.number("instances", Int64(library.instances))
        object.number("exchanges", Int64(library.exchanges))
    }

    private static func identity(_ plugin: LoadedPlugin, _ object: JSONObjectWriter) {
        let manifest = plugin.manifest
        object.text("id", manifest.id)
        object.text("name", manifest.name)
        object.text("version", manifest.version)
        object.text("file", plugin.file)
        object.text("sha256", plugin.sha256)
        if plugin.quarantine != nil { object.text("state", "quarantined") }
        object.object("abi") { object in
            object.text("built", "\(plugin.built)")
            object.text("needed", "\(plugin.needed)")
            object.text("granted", "\(plugin.granted)")
        }
        object.array("provides", manifest.provides) { provided, object in
            object.text("kind", provided.interface?.word ?? provided.interfaceID)
            object.text("name", provided.name.isEmpty ? nil : provided.name)
        }
    }

    /// Names that clients use, once each, in the order of the file.
    private static func models(of routes: [RouteConfig], using names: Set<String>) -> [String] {
        var found: [String] = []
        for route in routes
        where names.contains(route.provider) || !names.isDisjoint(with: route.transforms.map(\.plugin)) {
            if !found.contains(route.modelName) { found.append(route.modelName) }
        }
        return found
    }

    private static func figures(_ report: PluginCallReport, _ id: String, _ object: JSONObjectWriter) {
        let calls = report.calls.filter { $0.plugin == id }
        object.number("calls", Int64(calls.reduce(0) { $0 + $1.count }))
        object.number("errors", Int64(report.errors.filter { $0.plugin == id }.reduce(0) { $0 + $1.count }))
        object.number("total_ms", calls.reduce(0) { $0 + $1.seconds } * 1_000)
        object.number("slow", Int64(calls.reduce(0) { $0 + $1.slow }))
        object.number("stalls", Int64(report.stalls.filter { $0.plugin == id }.reduce(0) { $0 + $1.count }))
        object.number("max_ms", (calls.map(\.longest).max() ?? 0) * 1_000)
        let failures = report.errors.filter { $0.plugin == id }
        object.array("functions", calls) { call, object in
            object.text("name", call.function)
            object.number("calls", Int64(call.count))
            object.number("errors", Int64(failures.filter { $0.function == call.function }.reduce(0) { $0 + $1.count }))
            object.number("total_ms", call.seconds * 1_000)
            object.number("max_ms", call.longest * 1_000)
            object.numbers("buckets", call.buckets.map(Int64.init))
        }
    }

    /// What it says that it did, kind by kind, the most frequent first.
    private static func did(_ notes: [HostMetrics.NoteKey: Int], _ names: Set<String>, _ object: JSONObjectWriter) {
        let mine = notes.filter { names.contains($0.key.plugin) }
            .sorted { ($1.value, $0.key.kind) < ($0.value, $1.key.kind) }
        object.array("notes", mine) { note, object in
            object.text("kind", note.key.kind)
            object.number("count", Int64(note.value))
        }
    }
}
