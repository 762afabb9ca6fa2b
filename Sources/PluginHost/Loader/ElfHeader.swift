/// The first 64 bytes of an ELF file.
struct ElfHeader {
    static let sharedObject: UInt16 = 3
    static let size = 64

    var type: UInt16
    var machine: UInt16
    var programHeaderOffset: UInt64
    var programHeaderSize: UInt16
    var programHeaderCount: UInt16

    init(_ bytes: [UInt8]) throws(ElfError) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .notELF(looksLike: Self.guess(bytes)) }
        let reader = ElfReader(bytes: bytes)
        guard try reader.byte(at: 4) == 2 else { throw .is32Bit }
        guard try reader.byte(at: 5) == 1 else { throw .isBigEndian }
        guard bytes.count >= Self.size else { throw .truncated("it has only \(bytes.count) bytes") }
        type = try reader.u16(at: 16)
        machine = try reader.u16(at: 18)
        programHeaderOffset = try reader.u64(at: 32)
        programHeaderSize = try reader.u16(at: 54)
        programHeaderCount = try reader.u16(at: 56)
    }

    static var hostMachine: UInt16 {
        #if arch(x86_64)
        62
        #elseif arch(arm64)
        183
        #else
        0
        #endif
    }

    static func name(of machine: UInt16) -> String {
        switch machine {
        case 3: "x86 (32-bit)"
        case 21: "ppc64"
        case 22: "s390x"
        case 40: "arm (32-bit)"
        case 62: "x86_64"
        case 183: "aarch64"
        case 243: "riscv64"
        case 258: "loongarch64"
        default: "machine \(machine)"
        }
    }

    /// What a file that is no ELF seems to be, for a helpful sentence.
    private static func guess(_ bytes: [UInt8]) -> String? {
        let magics: [([UInt8], String)] = [
            ([0xCF, 0xFA, 0xED, 0xFE], "a Mach-O file for macOS"),
            ([0xCA, 0xFE, 0xBA, 0xBE], "a universal Mach-O file for macOS"),
            ([0x4D, 0x5A], "a Windows DLL"),
            ([0x23, 0x21], "a script"),
            ([0x21, 0x3C, 0x61, 0x72, 0x63, 0x68, 0x3E], "a static library (.a) or a linker's archive"),
            ([0x76, 0x65, 0x72, 0x73, 0x69, 0x6F, 0x6E, 0x20], "a Git LFS pointer: fetch the file itself"),
        ]
        if let known = magics.first(where: { bytes.starts(with: $0.0) }) { return known.1 }
        let isText = bytes.prefix(512).allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        return isText ? "a text file" : nil
    }
}

/// Little-endian numbers out of bytes, each access checked.
struct ElfReader {
    let bytes: [UInt8]

    func byte(at offset: Int) throws(ElfError) -> UInt8 {
        guard bytes.indices.contains(offset) else { throw outside(offset) }
        return bytes[offset]
    }

    func u16(at offset: Int) throws(ElfError) -> UInt16 { UInt16(truncatingIfNeeded: try number(offset, 2)) }
    func u32(at offset: Int) throws(ElfError) -> UInt32 { UInt32(truncatingIfNeeded: try number(offset, 4)) }
    func u64(at offset: Int) throws(ElfError) -> UInt64 { try number(offset, 8) }

    /// The bytes up to the next NUL; the reader's end is the bound.
    func string(at offset: Int) throws(ElfError) -> String {
        guard bytes.indices.contains(offset), let end = bytes[offset...].firstIndex(of: 0) else {
            throw outside(offset)
        }
        return String(decoding: bytes[offset..<end], as: UTF8.self)
    }

    private func number(_ offset: Int, _ count: Int) throws(ElfError) -> UInt64 {
        guard offset >= 0, offset <= bytes.count - count else { throw outside(offset) }
        var value: UInt64 = 0
        for index in (offset..<offset + count).reversed() { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    private func outside(_ offset: Int) -> ElfError {
        .truncated("something is said to be at byte \(offset) of \(bytes.count)")
    }
}
