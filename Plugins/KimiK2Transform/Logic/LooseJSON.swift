/// Python's spelling of JSON, and commas before closing brackets, written as JSON.
///
/// Works on tokens and does not know the grammar: what comes out must be checked.
struct LooseJSON {
    private let input: [UInt8]
    private var index = 0
    private var output: [UInt8] = []
    /// The last byte that was no blank and not in a string.
    private var last: UInt8 = 0

    /// nil if a string is spelled in a way that has no one meaning in JSON, or does not end.
    static func converted(_ input: [UInt8]) -> [UInt8]? {
        var loose = LooseJSON(input: input)
        return loose.run() ? loose.output : nil
    }

    private init(input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count + 16)
    }

    private mutating func run() -> Bool {
        while index < input.count {
            let byte = input[index]
            switch byte {
            case 0x22, 0x27:
                guard string(quote: byte) else { return false }
                last = 0x22
                continue
            case 0x2C:
                if !isTrailingComma { output.append(byte) }
            case 0x41...0x5A, 0x61...0x7A, 0x5F:
                word()
                continue
            default: output.append(byte)
            }
            if !isBlank(byte) { last = byte }
            index += 1
        }
        return true
    }

    /// A comma behind a value and before a closing bracket.
    private var isTrailingComma: Bool {
        if last == 0x7B || last == 0x5B || last == 0x2C || last == 0x3A { return false }
        let next = input[(index + 1)...].first { !isBlank($0) }
        return next == 0x7D || next == 0x5D
    }

    private mutating func word() {
        let start = index
        while index < input.count, Self.isWordByte(input[index]) { index += 1 }
        let word = input[start..<index]
        last = 0x61
        switch String(decoding: word, as: UTF8.self) {
        case "True": output += Array("true".utf8)
        case "False": output += Array("false".utf8)
        case "None": output += Array("null".utf8)
        default: output += word
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x5F || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }

    // MARK: - Strings

    private mutating func string(quote: UInt8) -> Bool {
        output.append(0x22)
        index += 1
        while index < input.count {
            let byte = input[index]
            index += 1
            switch byte {
            case quote:
                output.append(0x22)
                return true
            case 0x5C: guard escape(in: quote) else { return false }
            case 0x22: output += [0x5C, 0x22]
            default: output.append(byte)
            }
        }
        return false
    }

    /// An escape that means the same in both languages, or one with a plain equivalent.
    private mutating func escape(in quote: UInt8) -> Bool {
        guard index < input.count else { return false }
        let byte = input[index]
        index += 1
        switch byte {
        case 0x27: output.append(byte)
        case 0x22, 0x5C, 0x62, 0x66, 0x6E, 0x72, 0x74, 0x75: output += [0x5C, byte]
        case 0x2F where quote == 0x22: output += [0x5C, byte]
        case 0x78:
            guard index + 2 <= input.count else { return false }
            output += Array("\\u00".utf8) + input[index..<index + 2]
            index += 2
        default: return false
        }
        return true
    }
}
