/// One name in the dynamic symbol table that other libraries can see.
struct ElfSymbol {
    var name: String
    var isFunction: Bool
    /// The name of a version of the library's symbols, which nobody can call.
    var isVersion: Bool
}

/// The dynamic section: what the dynamic linker goes by.
struct ElfDynamic {
    private enum Tag {
        static let needed: UInt64 = 1
        static let hash: UInt64 = 4
        static let strings: UInt64 = 5
        static let symbols: UInt64 = 6
        static let runPathOld: UInt64 = 15
        static let textRelocations: UInt64 = 22
        static let runPath: UInt64 = 29
        static let flags: UInt64 = 30
        static let gnuHash: UInt64 = 0x6FFF_FEF5
        static let flags1: UInt64 = 0x6FFF_FFFB
    }

    private static let entrySize = 16
    private static let symbolSize = 24

    private let image: ElfImage
    private var entries: [(tag: UInt64, value: UInt64)] = []

    init(_ image: ElfImage) throws(ElfError) {
        self.image = image
        guard let segment = image.segments.first(where: { $0.kind == ElfSegment.dynamic }) else {
            throw .noDynamicSection
        }
        for offset in stride(from: segment.file.lowerBound, to: segment.file.upperBound, by: Self.entrySize) {
            let tag = try image.reader.u64(at: offset)
            if tag == 0 { break }
            entries.append((tag, try image.reader.u64(at: offset + 8)))
        }
    }

    private func value(_ tag: UInt64) -> UInt64? { entries.first { $0.tag == tag }?.value }

    var isProgram: Bool { (value(Tag.flags1) ?? 0) & 0x0800_0000 != 0 }
    var usesStaticTLS: Bool { (value(Tag.flags) ?? 0) & 0x10 != 0 }
    var hasTextRelocations: Bool { value(Tag.textRelocations) != nil || (value(Tag.flags) ?? 0) & 0x4 != 0 }

    func needed() throws(ElfError) -> [String] {
        var names: [String] = []
        for entry in entries where entry.tag == Tag.needed { names.append(try string(at: entry.value)) }
        return names
    }

    /// Where its libraries are looked for first.
    func runPaths() throws(ElfError) -> [String] {
        guard let place = value(Tag.runPath) ?? value(Tag.runPathOld) else { return [] }
        return try string(at: place).split(separator: ":").map(String.init)
    }

    private func string(at index: UInt64) throws(ElfError) -> String {
        guard let table = value(Tag.strings) else { throw .truncated("there is no string table") }
        let (address, overflow) = table.addingReportingOverflow(index)
        guard !overflow else { throw .truncated("a name is outside the string table") }
        return try image.reader.string(at: try image.offset(ofAddress: address))
    }

    func exportedSymbols() throws(ElfError) -> [ElfSymbol] {
        guard let table = value(Tag.symbols) else { return [] }
        let start = try image.offset(ofAddress: table)
        var symbols: [ElfSymbol] = []
        for index in 0..<(try symbolCount()) {
            let offset = start + index * Self.symbolSize
            let info = try image.reader.byte(at: offset + 4)
            let visibility = try image.reader.byte(at: offset + 5) & 3
            let section = try image.reader.u16(at: offset + 6)
            let isDefined = section != 0
            // Global, weak or unique; default or protected.
            guard isDefined, [1, 2, 10].contains(info >> 4), visibility == 0 || visibility == 3 else { continue }
            let name = try string(at: UInt64(try image.reader.u32(at: offset)))
            let kind = info & 15
            symbols.append(
                ElfSymbol(name: name, isFunction: kind == 2 || kind == 10, isVersion: section == 0xFFF1 && kind == 1))
        }
        return symbols
    }

    /// The symbol table does not say how long it is: the hash table beside it does.
    private func symbolCount() throws(ElfError) -> Int {
        if let table = value(Tag.hash) {
            return Int(try image.reader.u32(at: try image.offset(ofAddress: table) + 4))
        }
        guard let table = value(Tag.gnuHash) else { return 0 }
        return try gnuSymbolCount(at: try image.offset(ofAddress: table))
    }

    /// In a GNU hash table the chain of the highest bucket ends with the last symbol.
    private func gnuSymbolCount(at offset: Int) throws(ElfError) -> Int {
        let reader = image.reader
        let bucketCount = Int(try reader.u32(at: offset))
        let firstHashed = Int(try reader.u32(at: offset + 4))
        let buckets = offset + 16 + Int(try reader.u32(at: offset + 8)) * 8
        var last = 0
        for index in 0..<bucketCount { last = max(last, Int(try reader.u32(at: buckets + index * 4))) }
        guard last >= firstHashed else { return firstHashed }
        let chains = buckets + bucketCount * 4
        while try reader.u32(at: chains + (last - firstHashed) * 4) & 1 == 0 { last += 1 }
        return last + 1
    }
}
