import PluginABI
import PluginHost

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The first call.
enum HandshakeRules {
    static let all = [
        Rule(
            "R10", .handshake, "the entry answers KIMI_OK",
            cure: "fill the handshake's plugin half and return KIMI_OK", needsPlugin: false
        ) { BinaryRules.step($0, [.entry]) },
        Rule(
            "R11", .handshake, "the manifest is in order", cure: "see docs/plugins/manifest.md", needsPlugin: false
        ) { BinaryRules.step($0, [.manifest]) },
        Rule(
            "R12", .handshake, "every promised table is whole and points into the plugin's code",
            cure: "return static tables with struct_size = sizeof(table)", needsPlugin: false
        ) { BinaryRules.step($0, [.interfaces]) },
        Rule(
            "R13", .handshake, "the entry answers the same when it is called again, and NULL for unknown interfaces",
            cure: "keep manifest and tables in static storage; compare ids as whole strings",
            notForPython: PythonRules.Because.noEntry, twice),
        Rule(
            "R14", .handshake, "keeps inside a handshake of any size, and takes hosts of other minors",
            cure: "check struct_size before writing, and decide by needs_minor, not by the host's number",
            notForPython: PythonRules.Because.noEntry, sizes),
    ]

    private static func twice(_ context: RuleContext) {
        guard context.requirePlugin() != nil, let entry = EntryCall.symbol(context.file) else { return }
        var first = EntryCall(entry)
        let one = first.run()
        let manifest = first.manifest
        var second = EntryCall(entry)
        let two = second.run()
        if one != two { context.fail("the entry answers \(one), and \(two) when it is called again") }
        if second.manifest != manifest { context.fail("the manifest is another one in the second call") }
        guard let interface = second.handshake.get_interface else { return }
        for id in [KIMI_PROVIDER_ID, KIMI_TRANSFORM_ID, KIMI_AUTH_ID] {
            let tables = id.withCString { (interface($0), interface($0)) }
            if tables.0 != tables.1 { context.fail("get_interface(\"\(id)\") answers another address each time") }
        }
        for id in ["", "kimi", "kimi.provider/2", "kimi.provider/1x", "kimi.transform/10", "com.example.nothing/1"] {
            let table = id.withCString { interface($0) }
            if table != nil { context.fail("get_interface(\"\(id)\") answers a table; it must be NULL") }
        }
    }

    private static func sizes(_ context: RuleContext) {
        guard context.requirePlugin() != nil, let entry = EntryCall.symbol(context.file) else { return }
        var exact = EntryCall(entry)
        if exact.run(atPageEnd: true) != 0 { context.fail("it refuses a handshake of exactly the size of ABI 1.0") }
        var large = EntryCall(entry)
        if large.run(size: 512) != 0 { context.fail("it refuses a larger handshake, as a later minor has it") }
        if large.hasWrittenBeyond { context.fail("it writes behind the members that it knows") }
        var small = EntryCall(entry)
        if small.run(size: 24, atPageEnd: true) == 0 {
            context.fail("it accepts a handshake that ends before 'manifest'", cure: "return KIMI_E_VERSION")
        }
        for (minor, size) in [(UInt32(0), MemoryLayout<kimi_host>.size), (99, MemoryLayout<kimi_host>.size + 256)] {
            var other = EntryCall(entry, host: KitHost.table(minor: minor, size: size), minor: minor)
            let status = other.run()
            if status != 0 { context.fail("it answers \(status) to a host of ABI 1.\(minor)") }
        }
    }
}

/// A call of the entry outside the loader.
struct EntryCall {
    typealias Entry = @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> kimi_status

    private let entry: Entry
    private let host: UnsafePointer<kimi_host>
    private let minor: UInt32
    private(set) var handshake = kimi_handshake()
    private(set) var hasWrittenBeyond = false

    init(
        _ entry: @escaping Entry, host: UnsafePointer<kimi_host> = KitHost.pointer,
        minor: UInt32 = UInt32(KIMI_ABI_MINOR)
    ) {
        (self.entry, self.host, self.minor) = (entry, host, minor)
    }

    /// The entry of a library that the loader has mapped.
    static func symbol(_ file: String) -> Entry? {
        guard let path = realpath(file, nil) else { return nil }
        defer { free(path) }
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL), let symbol = dlsym(library, KIMI_ENTRY_SYMBOL) else {
            return nil
        }
        return unsafeBitCast(symbol, to: Entry.self)
    }

    var manifest: [UInt8] {
        guard let start = handshake.manifest.ptr, handshake.manifest.len <= PluginManifest.maxBytes else { return [] }
        return Array(UnsafeBufferPointer(start: start, count: handshake.manifest.len))
    }

    /// `size`: of the handshake; its own size if nil.
    mutating func run(size: Int? = nil, atPageEnd: Bool = false) -> kimi_status {
        let whole = MemoryLayout<kimi_handshake>.size
        let size = size ?? whole
        handshake.struct_size = UInt32(size)
        handshake.host_minor = minor
        handshake.host = host
        var bytes = withUnsafeBytes(of: handshake) { Array($0.prefix(size)) }
        bytes += [UInt8](repeating: 0, count: max(0, size - bytes.count))
        let run = KitHandshake.run
        let call = PluginCall(run, atPageEnd ? .guardedEnd : .copies)
        var after: [UInt8] = []
        let status = call.make("kimi_plugin_entry_v1") { error in
            let lent = UnsafeMutableRawPointer(mutating: call.lending.take(bytes).ptr)
            let status = entry(lent, error)
            if let lent { after = Array(UnsafeRawBufferPointer(start: lent, count: size)) }
            return status
        }
        withUnsafeMutableBytes(of: &handshake) { $0.copyBytes(from: after.prefix($0.count)) }
        hasWrittenBeyond = after.dropFirst(whole).contains { $0 != 0 }
        return status
    }
}
