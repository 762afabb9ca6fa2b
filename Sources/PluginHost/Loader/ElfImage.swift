/// One program header: a range of addresses and where in the file its bytes are.
struct ElfSegment {
    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let gnuStack: UInt32 = 0x6474_E551

    var kind: UInt32
    var isExecutable: Bool
    var addresses: Range<UInt64>
    /// Bytes in the file; shorter than `addresses` where zeros follow.
    var file: Range<Int>

    var isLoaded: Bool { kind == Self.load }
}

/// The file's bytes together with the map from addresses to them.
struct ElfImage {
    let reader: ElfReader
    let segments: [ElfSegment]

    init(_ bytes: [UInt8], _ header: ElfHeader) throws(ElfError) {
        reader = ElfReader(bytes: bytes)
        guard header.programHeaderSize >= 56, let start = Int(exactly: header.programHeaderOffset),
            start <= bytes.count
        else { throw .truncated("its program headers are outside the file") }
        var segments: [ElfSegment] = []
        for index in 0..<Int(header.programHeaderCount) {
            segments.append(try Self.segment(reader, at: start + index * Int(header.programHeaderSize)))
        }
        self.segments = segments
    }

    private static func segment(_ reader: ElfReader, at offset: Int) throws(ElfError) -> ElfSegment {
        let kind = try reader.u32(at: offset)
        let flags = try reader.u32(at: offset + 4)
        let address = try reader.u64(at: offset + 16)
        let (end, overflow) = address.addingReportingOverflow(try reader.u64(at: offset + 40))
        guard !overflow else { throw .truncated("a segment wraps around the address space") }
        let start = try reader.u64(at: offset + 8)
        let length = try reader.u64(at: offset + 32)
        let (last, wraps) = start.addingReportingOverflow(length)
        guard !wraps, last <= UInt64(reader.bytes.count) else {
            throw .truncated("a segment ends at byte \(wraps ? .max : last), the file has \(reader.bytes.count)")
        }
        return ElfSegment(
            kind: kind, isExecutable: flags & 1 != 0, addresses: address..<end, file: Int(start)..<Int(last))
    }

    /// The place in the file of an address in memory.
    func offset(ofAddress address: UInt64) throws(ElfError) -> Int {
        for segment in segments where segment.isLoaded && segment.addresses.contains(address) {
            let within = address - segment.addresses.lowerBound
            if within < UInt64(segment.file.count) { return segment.file.lowerBound + Int(within) }
        }
        throw .truncated("a table at address \(address) is in no segment")
    }
}
