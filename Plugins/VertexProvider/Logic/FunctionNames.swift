/// Gemini's names of functions have letters, digits, `_`, `.` and `-`, begin with a letter or `_`, and are 64 long at
/// most. Others are changed on the way up, and back on the way down.
struct FunctionNames {
    private static let longest = 64

    private var upstream: [String: String] = [:]
    private var own: [String: String] = [:]

    /// The name for Gemini; the same for the same name.
    mutating func send(_ name: String) -> String {
        if let known = upstream[name] { return known }
        var sent = Self.plain(name)
        var number = 2
        // Another name may have become the same one.
        while own[sent] != nil {
            let tail = "_\(number)"
            sent = String(Self.plain(name).prefix(Self.longest - tail.count)) + tail
            number += 1
        }
        upstream[name] = sent
        own[sent] = name
        return sent
    }

    /// The client's name for one that Gemini says.
    func receive(_ name: String) -> String { own[name] ?? name }

    private static func plain(_ name: String) -> String {
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            bytes.append(isPlain(byte) ? byte : UInt8(ascii: "_"))
        }
        let begins = bytes.first.map { isLetter($0) || $0 == UInt8(ascii: "_") } ?? false
        if !begins { bytes.insert(UInt8(ascii: "_"), at: 0) }
        return String(decoding: bytes.prefix(longest), as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_.-".utf8.contains(byte)
    }
}
