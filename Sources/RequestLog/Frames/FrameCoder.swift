import LogModel

/// Why bytes are no frame.
struct FrameError: Error {
    let reason: String
}

/// Goes through the members of a record: one writes them, one reads them, one hides secrets in them. So what is written
/// is what is read, and no member is forgotten.
protocol FrameCoder {
    mutating func code(_ value: inout String) throws(FrameError)
    mutating func code(_ value: inout Int64) throws(FrameError)
    mutating func code(_ value: inout [UInt8]) throws(FrameError)
    mutating func code(_ value: inout RecordedBody) throws(FrameError)
    /// How many elements follow: `count` of them where the record is there already.
    mutating func count(_ count: Int) throws(FrameError) -> Int
}

extension FrameCoder {
    mutating func code(_ value: inout Int) throws(FrameError) {
        var number = Int64(value)
        try code(&number)
        value = Int(clamping: number)
    }

    mutating func code(_ value: inout Bool) throws(FrameError) { value = try count(value ? 1 : 0) != 0 }

    mutating func code(_ value: inout Int64?) throws(FrameError) {
        guard try count(value == nil ? 0 : 1) != 0 else { return value = nil }
        var number = value ?? 0
        try code(&number)
        value = number
    }

    mutating func code(_ value: inout Double?) throws(FrameError) {
        var bits = value.map { Int64(bitPattern: $0.bitPattern) }
        try code(&bits)
        value = bits.map { Double(bitPattern: UInt64(bitPattern: $0)) }
    }

    mutating func code(_ value: inout String?) throws(FrameError) {
        guard try count(value == nil ? 0 : 1) != 0 else { return value = nil }
        var text = value ?? ""
        try code(&text)
        value = text
    }

    mutating func code(_ value: inout ExchangeRecord.Failure?) throws(FrameError) {
        guard try count(value == nil ? 0 : 1) != 0 else { return value = nil }
        var failure = value ?? .init(category: "", message: "", code: nil)
        try code(&failure.category)
        try code(&failure.message)
        try code(&failure.code)
        value = failure
    }

    /// `blank` stands where elements will be read.
    mutating func list<Element>(
        _ values: inout [Element], blank: Element,
        _ each: (inout Element, inout Self) throws(FrameError) -> Void
    ) throws(FrameError) {
        let count = try count(values.count)
        guard values.count != count else {
            for index in values.indices { try each(&values[index], &self) }
            return
        }
        // Grows as elements are read: a damaged count takes no memory.
        values = []
        for _ in 0..<count {
            var value = blank
            try each(&value, &self)
            values.append(value)
        }
    }

    mutating func list(_ values: inout [String]) throws(FrameError) {
        try list(&values, blank: "") { value, coder throws(FrameError) in try coder.code(&value) }
    }
}
