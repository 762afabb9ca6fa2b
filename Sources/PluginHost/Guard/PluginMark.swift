internal import CPlatform
import JSONSchema
import Synchronization

/// Who a call goes to, for the marker that the guard keeps on each thread (docs/plugins-operations.md). One per library
/// content; lives for ever, as the library does. Any thread.
package struct PluginMark: @unchecked Sendable {
    // Sendable: the record behind it is immutable but for atomics.
    private let record: OpaquePointer?
    /// Where its counts are.
    let series: Int

    /// Marks the thread as being inside the plugin while `body` runs.
    @inline(__always)
    func call<Result>(_ function: pg_function, _ tag: RequestTag? = nil, _ body: () -> Result) -> Result {
        pg_enter(record, function.rawValue, tag?.record)
        defer { pg_leave() }
        return body()
    }

    /// The same by hand.
    func enter(_ function: pg_function) { pg_enter(record, function.rawValue, nil) }
    func leave() { pg_leave() }

    /// The same for a body that throws.
    func attempt<Result, Failure: Error>(
        _ function: pg_function, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pg_enter(record, function.rawValue, nil)
        defer { pg_leave() }
        return try body()
    }

    /// Counts a call that another process made.
    func count(_ function: pg_function, nanoseconds: UInt64) { pg_count(record, function.rawValue, nanoseconds) }

    /// Tells where the library's code is.
    func isLoaded(at address: UnsafeRawPointer) { pg_plugin_loaded(record, address) }

    private init(_ record: OpaquePointer?, _ series: Int) { (self.record, self.series) = (record, series) }

    // MARK: The marks there are

    private static let marks = Mutex<[PluginIdentity: PluginMark]>([:])

    /// The mark of a library; the same one each time.
    static func of(_ identity: PluginIdentity, maxCallMicroseconds: Int? = nil) -> PluginMark {
        marks.withLock { marks in
            if let mark = marks[identity] { return mark }
            let series = PluginSeries.place(of: identity.id)
            let mark = PluginMark(
                pg_plugin_make(
                    identity.words, identity.cure, identity.members, UInt32(series),
                    UInt64(warnMicroseconds(maxCallMicroseconds))), series)
            marks[identity] = mark
            return mark
        }
    }
}

extension PluginMark {
    /// How many times longer than its manifest says a call may take before it is told.
    private static let patience = 10
    private static let longestMicroseconds = 60_000_000

    private static func warnMicroseconds(_ said: Int?) -> Int {
        guard let said, said > 0 else { return 0 }
        return min(said, longestMicroseconds) * patience
    }
}

extension LoadedPlugin {
    /// The mark of calls into it.
    var mark: PluginMark {
        PluginMark.of(
            PluginIdentity(id: manifest.id, version: manifest.version, file: file, sha256: sha256),
            maxCallMicroseconds: manifest.maxCallMicroseconds)
    }
}

/// A library by its content, as messages and crash files name it.
package struct PluginIdentity: Hashable, Sendable {
    /// Empty while the manifest is not known.
    package var id: String
    package var version: String
    package var file: String
    package var sha256: String

    package init(id: String = "", version: String = "", file: String, sha256: String) {
        (self.id, self.version, self.file, self.sha256) = (id, version, file, sha256)
    }

    /// `plugin 'dev.example.x' 1.0.0 (plugins.d/x.so, sha256 ab12cd34ef56)`
    package var words: String {
        let name = id.isEmpty ? "plugin" : "plugin '\(id)' \(version)"
        return "\(name) (\(file), sha256 \(sha256.prefix(12)))"
    }

    /// What `plugins unquarantine` takes for it.
    package var handle: String { id.isEmpty ? FileSystem.split(file).name : id }

    package var cure: String {
        "replace the file, or 'kimi-host plugins unquarantine \(handle)'; until then the next start quarantines it"
    }

    /// For the crash file.
    var members: String {
        let object = ConfigObject([
            .init(key: "plugin", value: .string(id)), .init(key: "version", value: .string(version)),
            .init(key: "file", value: .string(file)), .init(key: "sha256", value: .string(sha256)),
        ])
        return String(ConfigNode(.object(object)).json.dropFirst().dropLast())
    }
}

/// The id of the request that calls are made for, where the guard can read it. Event loop only.
final class RequestTag {
    fileprivate let record: OpaquePointer?

    init(_ id: String) {
        var id = id
        record = id.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { pg_tag_make($0.baseAddress, $0.count) }
        }
    }

    deinit { pg_tag_free(record) }
}

/// The plugins that counts are kept of, by id. There is room for a fixed number; those beyond it share the last place.
enum PluginSeries {
    private static let ids = Mutex<[String]>([])
    static let maxCount = Int(PG_SERIES)
    /// Libraries whose manifest is not known yet, and those beyond the last place.
    static let other = "other"

    static func place(of id: String) -> Int {
        guard !id.isEmpty else { return maxCount - 1 }
        return ids.withLock { ids in
            if let place = ids.firstIndex(of: id) { return place }
            guard ids.count < maxCount - 1 else { return maxCount - 1 }
            ids.append(id)
            return ids.count - 1
        }
    }

    /// The ids with their places.
    static var all: [(id: String, place: Int)] {
        ids.withLock { $0 }.enumerated().map { ($1, $0) } + [(other, maxCount - 1)]
    }
}
