/// What the loader reads from a shared library's bytes before any of its code can run.
///
/// A pure parser of 64-bit little-endian ELF: it goes the way of the dynamic linker (program headers, dynamic section,
/// symbol table found through the hash table), so a library without section headers is read as well. Every offset is
/// checked against the file's size; bytes that make no sense end in an ``ElfError``, never in a trap.
package struct ElfFile: Sendable, Equatable {
    /// The processor, ELF's `e_machine`.
    package var machine: UInt16
    /// N of each exported function named `kimi_plugin_entry_vN`, ascending.
    package var entryVersions: [Int] = []
    /// How many symbols the library exports, the entry included.
    package var exportCount = 0
    /// Their names, in the order of the symbol table, without those of symbol versions.
    package var exports: [String] = []
    /// Libraries it asks for (DT_NEEDED), in order.
    package var needed: [String] = []
    /// Folders where those are looked for first (DT_RUNPATH, or DT_RPATH), as they are written.
    package var runPaths: [String] = []
    /// A program, although it is position-independent.
    package var isProgram = false
    /// Uses the static TLS block, which is small: after a few such libraries dlopen fails.
    package var usesStaticTLS = false
    package var hasTextRelocations = false
    package var wantsExecutableStack = false
    /// Where code lies, in the library's own addresses.
    package var codeRanges: [Range<UInt64>] = []
    /// The lowest address of the image, rounded down to 4 KiB: what dladdr calls the base.
    package var lowestAddress: UInt64 = 0

    package static let entryPrefix = "kimi_plugin_entry_v"

    package init(_ bytes: [UInt8]) throws(ElfError) {
        let header = try ElfHeader(bytes)
        guard header.machine == ElfHeader.hostMachine else { throw .machine(header.machine) }
        guard header.type == ElfHeader.sharedObject else { throw .type(header.type) }
        machine = header.machine
        let image = try ElfImage(bytes, header)
        codeRanges = image.segments.filter { $0.isLoaded && $0.isExecutable }.map(\.addresses)
        lowestAddress = (image.segments.filter(\.isLoaded).map(\.addresses.lowerBound).min() ?? 0) & ~0xFFF
        wantsExecutableStack = image.segments.contains { $0.kind == ElfSegment.gnuStack && $0.isExecutable }
        let dynamic = try ElfDynamic(image)
        needed = try dynamic.needed()
        runPaths = try dynamic.runPaths()
        isProgram = dynamic.isProgram
        usesStaticTLS = dynamic.usesStaticTLS
        hasTextRelocations = dynamic.hasTextRelocations
        for symbol in try dynamic.exportedSymbols() {
            exportCount += 1
            if !symbol.isVersion { exports.append(symbol.name) }
            guard symbol.isFunction, symbol.name.hasPrefix(Self.entryPrefix) else { continue }
            if let version = Int(symbol.name.dropFirst(Self.entryPrefix.count)) { entryVersions.append(version) }
        }
        entryVersions.sort()
    }
}

/// Why bytes are not a library this host could load.
package enum ElfError: Error, Sendable, Equatable {
    case empty
    /// No ELF; the words say what it looks like instead, if that can be told.
    case notELF(looksLike: String?)
    case is32Bit
    case isBigEndian
    case machine(UInt16)
    case type(UInt16)
    /// The file ends before what its headers name, or a table points outside of it.
    case truncated(String)
    case noDynamicSection

    package var message: String {
        switch self {
        case .empty: "the file is empty"
        case .notELF(let looksLike): "not a shared library" + (looksLike.map { ": it looks like \($0)" } ?? "")
        case .is32Bit: "a 32-bit library, this host is 64-bit \(ElfHeader.name(of: ElfHeader.hostMachine))"
        case .isBigEndian: "a big-endian library, this host is little-endian"
        case .machine(let machine):
            "built for \(ElfHeader.name(of: machine)), this host is \(ElfHeader.name(of: ElfHeader.hostMachine))"
        case .type(2): "a program, not a shared library"
        case .type(1): "an object file, not a shared library"
        case .type(let type): "ELF type \(type), not a shared library"
        case .truncated(let what): "the file is cut off or damaged: \(what)"
        case .noDynamicSection: "a shared library without a dynamic section"
        }
    }

    package var cure: String {
        switch self {
        case .empty, .truncated: "copy or build it again"
        case .notELF: "remove it, or build the plugin with -shared"
        case .is32Bit, .isBigEndian, .machine: "build it for \(ElfHeader.name(of: ElfHeader.hostMachine))"
        case .type, .noDynamicSection: "link the plugin with -shared -fPIC"
        }
    }
}
