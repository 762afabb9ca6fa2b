import PluginABI
import PluginHost

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The file itself.
enum BinaryRules {
    static let all = [
        Rule(
            "R01", .binary, "is a shared library for this machine, with the entry",
            cure: "build it with -shared -fPIC and mark the entry with KIMI_EXPORT", needsPlugin: false
        ) { context in
            step(context, [.find, .trust, .pin, .elf, .config])
            guard context.isPython, !context.hasFailed else { return }
            context.skip("a plugin in Python: owner, mode, sidecar and pin are in order; the rest is for libraries")
        },
        Rule(
            "R02", .binary, "exports nothing but its entry",
            cure: "compile with -fvisibility=hidden and link with a version script", needsPlugin: false,
            notForPython: PythonRules.Because.noLibrary, exports),
        Rule(
            "R03", .binary, "loads with every symbol resolved",
            cure: "link with -Wl,-z,defs: what is missing is then found at link time", needsPlugin: false,
            notForPython: PythonRules.Because.noLink
        ) { step($0, [.dlopen]) },
        Rule(
            "R04", .binary, "has no executable stack, text relocations or static TLS",
            cure: "compile with -fPIC and without initial-exec TLS", needsPlugin: false,
            notForPython: PythonRules.Because.noLibrary, hardening),
        Rule(
            "R05", .binary, "loads quickly and leaves the process alone",
            cure: "do in create what constructors and the entry do now", loading),
    ]

    /// Did the loader stop at one of these steps?
    static func step(_ context: RuleContext, _ steps: Set<PluginLoadError.Step>) {
        do {
            _ = try context.load()
        } catch {
            if steps.contains(error.step) {
                context.fail(error.message, cure: error.cure)
            } else {
                context.note("the loader stops at another step: \(error.step.rawValue)")
            }
        }
    }

    private static func elf(_ context: RuleContext) -> ElfFile? {
        guard let bytes = Files.read(context.file, maxBytes: 256 << 20) else {
            context.skip("the file cannot be read")
            return nil
        }
        do {
            return try ElfFile(bytes)
        } catch {
            context.skip("no ELF file: \(error.message)")
            return nil
        }
    }

    private static func exports(_ context: RuleContext) {
        guard let elf = elf(context) else { return }
        let others = elf.exports.filter { $0 != KIMI_ENTRY_SYMBOL }
        guard !others.isEmpty else { return }
        let some = others.prefix(3).joined(separator: ", ") + (others.count > 3 ? " …" : "")
        context.warn("\(others.count) further symbols are exported: \(some)")
    }

    private static func hardening(_ context: RuleContext) {
        guard let elf = elf(context) else { return }
        if elf.wantsExecutableStack { context.fail("it wants an executable stack", cure: "link with -z noexecstack") }
        if elf.hasTextRelocations { context.fail("it has text relocations", cure: "compile everything with -fPIC") }
        if elf.usesStaticTLS, context.isGo {
            context.note("it uses static TLS, as all of Go does: one Go plugin in a process, and none on musl")
        } else if elf.usesStaticTLS {
            context.fail(
                "it uses the static TLS block, which is small: after a few such libraries none loads any more",
                cure: "compile without -ftls-model=initial-exec, and without an allocator built so")
        }
    }

    private static let entryLimit: UInt64 = 50_000_000
    private static let loadLimit: UInt64 = 1_000_000_000

    private static func loading(_ context: RuleContext) {
        if context.isPython { return PythonRules.loading(context) }
        let before = ProcessFacts.now()
        let start = Measure.wall()
        do {
            _ = try context.load()
        } catch {
            return context.skip("not reached, the loader stops before: \(error.step.rawValue)")
        }
        let loaded = Measure.wall() - start
        let after = ProcessFacts.now()
        for change in after.changes(since: before) {
            // Go's handlers pass on to those that were there what is not Go's own.
            if context.isGo, change.contains("handler of SIG") { context.note(change) } else { context.fail(change) }
        }
        if after.threads > before.threads, context.isGo {
            context.note("Go's runtime started \(after.threads - before.threads) threads")
        } else if after.threads > before.threads {
            context.warn("loading it started \(after.threads - before.threads) threads; the host counts on none")
        }
        guard let entry = EntryCall.symbol(context.file) else { return }
        var call = EntryCall(entry)
        let again = Measure.wall()
        _ = call.run()
        let entryTime = Measure.wall() - again
        if entryTime > entryLimit { context.fail("the entry takes \(entryTime / 1_000_000) ms, 50 are allowed") }
        if loaded > loadLimit { context.fail("loading takes \(loaded / 1_000_000) ms, 1000 are allowed") }
    }
}

/// Files of the operator's.
package enum Files {
    /// Nil if it cannot be read or is longer.
    package static func read(_ path: String, maxBytes: Int) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return ferror(file) == 0 ? bytes : nil }
            bytes.append(contentsOf: buffer.prefix(count))
            guard bytes.count <= maxBytes else { return nil }
        }
    }

    /// False if it cannot be written.
    package static func write(_ path: String, _ text: String) -> Bool {
        guard let file = fopen(path, "wb") else { return false }
        let bytes = Array(text.utf8)
        let count = fwrite(bytes, 1, bytes.count, file)
        return fclose(file) == 0 && count == bytes.count
    }

    package static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func remove(_ path: String) { unlink(path) }

    /// Names in a folder that end like this, sorted. Nil if it is none.
    package static func names(in folder: String, endings: [String]) -> [String]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), endings.contains(where: name.hasSuffix) { names.append(name) }
        }
        return names.sorted()
    }
}
