import PluginHost
import WireJSON

/// `GET /admin/plugins`: what is mapped, and who uses it.
extension PluginStore {
    /// `{"plugins":[{id, version, sha256, path, mapped, state, loaded_at, instances, exchanges}…], "mapped", "retired"}`,
    /// those in service first, in load order, then the others, oldest first.
    var report: ByteWriter {
        let out = ByteWriter(capacity: 4096)
        let (active, all) = (active, libraries)
        let others = all.filter { library in !active.contains { $0 === library } }
        out.append(#"{"plugins":["#)
        for (index, library) in (active + others).enumerated() {
            if index > 0 { out.append(",") }
            Self.write(library, to: out)
        }
        out.append(#"],"mapped":"#)
        out.append(int: Int64(mappedCount))
        out.append(#","retired":"#)
        out.append(int: Int64(all.count { $0.state == .retired }))
        out.append("}")
        return out
    }

    private static func write(_ library: PluginLibrary, to out: ByteWriter) {
        let texts: [(StaticString, String)] = [
            (#"{"id":"#, library.id), (#","version":"#, library.version), (#","sha256":"#, library.sha256),
            (#","path":"#, library.file), (#","mapped":"#, library.mapped), (#","state":"#, library.state.rawValue),
        ]
        for (name, value) in texts {
            out.append(name)
            out.appendJSONString(value)
        }
        let numbers: [(StaticString, Int)] = [
            (#","loaded_at":"#, Int(library.loadedAt)), (#","instances":"#, library.instances),
            (#","exchanges":"#, library.exchanges),
        ]
        for (name, value) in numbers {
            out.append(name)
            out.append(int: Int64(value))
        }
        out.append("}")
    }
}
