import PluginHost
import Testing

/// The ELF parser reads real libraries, and whatever else it is given it refuses without a trap.
@Suite struct ElfFileTests {
    @Test func `a C plugin exports one symbol and needs libc`() throws {
        let elf = try ElfFile(TestFiles.read(BuiltPlugins.path("libDemoProvider.so")))
        #expect(elf.entryVersions == [1])
        #expect(elf.exportCount == 1)
        #expect(elf.needed == ["libc.so.6"])
        #expect(!elf.isProgram && !elf.hasTextRelocations && !elf.wantsExecutableStack && !elf.usesStaticTLS)
        #expect(!elf.codeRanges.isEmpty)
    }

    @Test func `a library is read by the old hash table as well as by the new`() throws {
        for style in ["sysv", "gnu", "both"] {
            let path = "\(try TestFiles.folder("elf"))/hash_\(style).so"
            let source = "\(TestFiles.repository)/Tests/BadPlugins/good_transform.c"
            try TestFiles.run([
                "cc", "-shared", "-fPIC", "-Wl,--hash-style=\(style)", "-s",
                "-I\(TestFiles.repository)/Sources/PluginABI/include", "-o", path, source,
            ])
            #expect(try ElfFile(TestFiles.read(path)).entryVersions == [1], "\(style)")
        }
    }

    @Test func `a file cut off anywhere is refused or read, never a trap`() throws {
        let bytes = try TestFiles.read(BuiltPlugins.path("good_transform.so"))
        for length in stride(from: 0, to: bytes.count, by: 7) {
            _ = try? ElfFile(Array(bytes[..<length]))
        }
        #expect(throws: ElfError.empty) { try ElfFile([]) }
    }

    @Test func `damaged files are refused or read, never a trap`() throws {
        let bytes = try TestFiles.read(BuiltPlugins.path("good_transform.so"))
        var random = SplitMix(state: 42)
        for _ in 0..<3000 {
            var damaged = bytes
            // Mostly in the headers and tables, where it matters.
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let limit = Bool.random(using: &random) ? 1024 : damaged.count
                damaged[Int.random(in: 0..<limit, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? ElfFile(damaged)
        }
        // Every 8-byte number of the headers as the worst there is.
        for offset in stride(from: 16, to: 1024, by: 4) {
            for worst in [[UInt8](repeating: 0xFF, count: 8), [0, 0, 0, 0, 0, 0, 0, 0x80], [0xFF, 0xFF, 0xFF, 0x7F]] {
                var damaged = bytes
                damaged.replaceSubrange(offset..<offset + worst.count, with: worst)
                _ = try? ElfFile(damaged)
            }
        }
    }
}

/// A seeded generator, so that a failure comes again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
