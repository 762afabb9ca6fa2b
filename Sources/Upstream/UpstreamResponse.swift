/// The head of an upstream's final response (interim 1xx answers and proxy answers are left out).
package struct UpstreamHead: Sendable {
    /// One header line, as ranges of `block`.
    package struct Line: Sendable {
        package let name: Range<Int>
        package let value: Range<Int>
    }

    package let status: Int
    /// The head's bytes as they came.
    package let block: [UInt8]
    package let lines: [Line]

    /// Reads the lines of a head that libcurl has already checked.
    package init(status: Int, block: [UInt8]) {
        self.status = status
        self.block = block
        self.lines = Self.split(block)
    }

    /// The value of the first header called `name` (given in lower case), or nil.
    package func first(_ name: StaticString) -> String? {
        for line in lines where matches(line.name, name) {
            return String(decoding: block[line.value], as: UTF8.self)
        }
        return nil
    }

    /// The media type (content-type without its parameters) is that one, given in lower case.
    package func hasMediaType(_ type: StaticString) -> Bool {
        for line in lines where matches(line.name, "content-type") {
            let end = block[line.value].firstIndex { $0 == 0x3B || $0 == 0x20 } ?? line.value.upperBound
            return matches(line.value.lowerBound..<end, type)
        }
        return false
    }

    private func matches(_ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count == name.utf8CodeUnitCount else { return false }
        for (offset, position) in range.enumerated() {
            let byte = block[position]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != name.utf8Start[offset] { return false }
        }
        return true
    }

    private static func split(_ block: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = 0
        while start < block.count {
            let end = block[start...].firstIndex(of: 0x0A) ?? block.count
            if let line = line(block, start..<end) { lines.append(line) }
            start = end + 1
        }
        return lines
    }

    private static func line(_ block: [UInt8], _ range: Range<Int>) -> Line? {
        guard let colon = block[range].firstIndex(of: 0x3A), colon > range.lowerBound else { return nil }
        var start = colon + 1
        var end = range.upperBound
        while start < end, isBlank(block[start]) { start += 1 }
        while end > start, isBlank(block[end - 1]) { end -= 1 }
        return Line(name: range.lowerBound..<colon, value: start..<end)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}

/// How a transfer ended.
package enum UpstreamEnd: Sendable {
    /// The response is complete.
    case complete
    /// It is not; the head may or may not have come.
    case failed(UpstreamError)
}

/// Everything of one transfer that one wake-up of its reactor brought.
package struct UpstreamDelivery: Sendable {
    /// The head, in the transfer's first delivery that has one.
    package var head: UpstreamHead?
    /// Body bytes in order; may be empty.
    package var body: [UInt8]
    /// Set in the last delivery.
    package var end: UpstreamEnd?

    package init(head: UpstreamHead?, body: [UInt8], end: UpstreamEnd?) {
        (self.head, self.body, self.end) = (head, body, end)
    }
}

/// Carries requests to upstreams: `CurlReactor`, or a recording.
package protocol UpstreamEngine: AnyObject {
    /// On the event loop that the deliveries are for. `receiver` is kept until the transfer ends or is cancelled.
    func start(_ request: UpstreamRequest, receiver: any UpstreamReceiver) -> Transfer
}

/// Receives a transfer's deliveries, in order, on the reactor's event loop.
package protocol UpstreamReceiver: AnyObject {
    /// What one wake-up brought. Call `Transfer.consumed` for its body bytes when they are written out.
    func received(_ delivery: UpstreamDelivery)
}
