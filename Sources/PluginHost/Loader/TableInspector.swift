/// Checks a plugin's function tables: size, no required member NULL, every function in the plugin's own code.
struct TableInspector {
    let entryAddress: UnsafeRawPointer
    let elf: ElfFile?

    /// No table of ABI 1 comes near this; a larger struct_size was never written.
    private static let maxTableBytes: UInt32 = 64 << 10

    /// The required members of ABI 1.0 in their order; each is a pointer, after two 32-bit numbers.
    private static func members(of interface: PluginManifest.Interface) -> [StaticString] {
        switch interface {
        case .provider: ["create", "destroy", "begin", "next", "result", "feed", "flush", "end"]
        case .auth: ["begin", "next", "result", "end"]
        case .transform: ["create", "destroy", "begin", "feed", "flush", "end"]
        }
    }

    private static let firstMember = 8
    private static let pointerSize = 8

    func check(_ table: UnsafeRawPointer, _ interface: PluginManifest.Interface) throws(StepFailure) {
        let type = "kimi_\(interface.word)"
        guard UInt(bitPattern: table) % UInt(Self.pointerSize) == 0 else {
            throw StepFailure(message: "the \(type) table is at an odd address", cure: "return a \(type) *")
        }
        let members = Self.members(of: interface)
        let size = table.load(as: UInt32.self)
        let least = UInt32(Self.firstMember + members.count * Self.pointerSize)
        guard size >= least, size <= Self.maxTableBytes else {
            throw StepFailure(
                message: "\(type).struct_size is \(size), the table of ABI 1.0 has \(least) bytes",
                cure: "set struct_size = sizeof(\(type))")
        }
        for (index, member) in members.enumerated() {
            let offset = Self.firstMember + index * Self.pointerSize
            guard let function = table.load(fromByteOffset: offset, as: UnsafeRawPointer?.self) else {
                throw StepFailure(message: "\(type).\(member) is NULL", cure: "it is required: implement it")
            }
            try checkFunction(function, "\(type).\(member)")
        }
    }

    /// A pointer that is no function of the plugin would run something else with the plugin's arguments.
    func checkFunction(_ function: UnsafeRawPointer, _ name: String) throws(StepFailure) {
        let base = LibraryHandle.imageBase(of: function)
        guard let base, base == LibraryHandle.imageBase(of: entryAddress) else {
            throw StepFailure(
                message: "\(name) points outside the plugin's own code",
                cure: "fill the table with functions of the plugin; wrap one of another library in your own")
        }
        guard let elf else { return }
        let address = UInt64(UInt(bitPattern: function) - base) &+ elf.lowestAddress
        guard elf.codeRanges.contains(where: { $0.contains(address) }) else {
            throw StepFailure(message: "\(name) points at data, not at code", cure: "fill the table with functions")
        }
    }
}
