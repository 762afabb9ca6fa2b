extension JSONScanner {
    /// Skips a number; its kind is what ``JSONParser`` would say.
    mutating func skipNumber() throws(JSONError) -> JSONKind {
        let negative = current == UInt8(ascii: "-")
        if negative { position += 1 }
        let start = position
        try skipDigits()
        let digits = start..<position
        if bytes[start] == UInt8(ascii: "0"), digits.count > 1 { throw number("a number begins with a zero too many") }
        var whole = true
        if current == UInt8(ascii: ".") {
            whole = false
            position += 1
            try skipDigits()
        }
        if current | 0x20 == UInt8(ascii: "e") {
            whole = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
        return whole ? integerKind(digits, negative: negative) : .double
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        if position == start { throw number("a number lacks a digit") }
    }

    private func integerKind(_ digits: Range<Int>, negative: Bool) -> JSONKind {
        if digits.count < 19 { return .int }
        var magnitude: UInt64 = 0
        for byte in bytes[digits] {
            let (product, tooBig) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if tooBig || carried { return .double }
            magnitude = sum
        }
        let limit = negative ? Int64.min.magnitude : Int64.max.magnitude
        if magnitude <= limit { return .int }
        return negative ? .double : .uint
    }

    private func number(_ trouble: StaticString) -> JSONError {
        JSONError(.badNumber, "The text is not JSON: \(trouble), at byte \(position).", offset: position)
    }
}
