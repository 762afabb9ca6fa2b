import CanonicalModel
import PluginABI
import WireJSON

/// The sum of what the attempts of one reply used. A value.
struct UsageSum {
    private struct Counts {
        var numbers: [Int64] = [-1, -1, -1, -1]
        var json: [UInt8] = []

        mutating func take(_ event: CanonicalEvent) {
            for (place, number) in [event.i0, event.i1, event.i2, event.i3].enumerated() where number >= 0 {
                numbers[place] = number
            }
            if event.a.len > 0 { json = Array(event.a.buffer) }
        }

        /// -1 is unknown. Objects are added up member by member; one without the other says nothing.
        func adding(_ other: Counts) -> Counts {
            var sum = Counts()
            sum.numbers = zip(numbers, other.numbers).map { a, b in
                if a < 0 { return b }
                guard b >= 0 else { return a }
                let (value, overflow) = a.addingReportingOverflow(b)
                return overflow ? .max : value
            }
            if !json.isEmpty, !other.json.isEmpty { sum.json = UsageJSON.sum(json, other.json) }
            return sum
        }
    }

    /// Of the attempts before.
    private var before: Counts?
    private var current = Counts()

    /// Takes a USAGE event, counts being those of its attempt so far. True: it goes on as it is; else its sum is handed
    /// on.
    mutating func take(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        current.take(event)
        guard let before else { return true }
        let sum = before.adding(current)
        sum.json.withUnsafeBytes { json in
            var event = event
            event.a = kimi_bytes(json)
            (event.i0, event.i1, event.i2, event.i3) = (sum.numbers[0], sum.numbers[1], sum.numbers[2], sum.numbers[3])
            emit(event)
        }
        return false
    }

    /// The attempt counts; another one follows.
    mutating func next() {
        before = before?.adding(current) ?? current
        current = Counts()
    }

    /// The attempt does not count: it is made again.
    mutating func restart() { current = Counts() }

    /// Input and output tokens of the attempt; -1 is unknown.
    var ofAttempt: (input: Int64, output: Int64) { (current.numbers[0], current.numbers[1]) }
}

/// Usage objects of upstreams.
enum UsageJSON {
    private static let maxDepth = 8

    /// Numbers of the same name are added, objects joined so, of all else the later counts.
    static func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        let out = ByteWriter(capacity: a.count + b.count)
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in join(a, b, 0, out) } }
        return out.bytes
    }

    private static func join(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ depth: Int, _ out: ByteWriter
    ) {
        guard depth < maxDepth, let left = try? JSONSpans.members(of: a), let right = try? JSONSpans.members(of: b)
        else { return out.append(bytes: b) }
        out.append("{")
        var isFirst = true
        func name(_ key: String) {
            if !isFirst { out.append(",") }
            isFirst = false
            out.appendJSONString(key)
            out.append(":")
        }
        for member in left {
            name(member.key)
            let value = UnsafeRawBufferPointer(rebasing: a[member.valueRange])
            guard let other = right.last(where: { $0.key == member.key }) else {
                out.append(bytes: value)
                continue
            }
            add(member.kind, value, other.kind, UnsafeRawBufferPointer(rebasing: b[other.valueRange]), depth, out)
        }
        for member in right where !left.contains(where: { $0.key == member.key }) {
            name(member.key)
            out.append(bytes: UnsafeRawBufferPointer(rebasing: b[member.valueRange]))
        }
        out.append("}")
    }

    private static func add(
        _ kind: JSONKind, _ a: UnsafeRawBufferPointer, _ otherKind: JSONKind, _ b: UnsafeRawBufferPointer,
        _ depth: Int, _ out: ByteWriter
    ) {
        let numbers: [JSONKind] = [.int, .uint, .double]
        if kind == .object, otherKind == .object { return join(a, b, depth + 1, out) }
        if kind == .object, otherKind == .null { return out.append(bytes: a) }
        guard numbers.contains(kind), numbers.contains(otherKind) else { return out.append(bytes: b) }
        out.append(utf8: DecimalText.sum(String(decoding: a, as: UTF8.self), String(decoding: b, as: UTF8.self)))
    }
}

/// Sums of numbers as they are written: a cost of 0.1 and one of 0.2 are 0.3.
enum DecimalText {
    private static let maxDigits = 15

    static func sum(_ a: String, _ b: String) -> String {
        guard let left = parts(a), let right = parts(b) else { return rounded(a, b) }
        let scale = max(left.scale, right.scale)
        let (wholeLeft, leftOverflow) = left.value.multipliedReportingOverflow(by: power(scale - left.scale))
        let (wholeRight, rightOverflow) = right.value.multipliedReportingOverflow(by: power(scale - right.scale))
        let (total, overflow) = wholeLeft.addingReportingOverflow(wholeRight)
        guard !leftOverflow, !rightOverflow, !overflow else { return rounded(a, b) }
        guard scale > 0 else { return "\(total)" }
        let digits = String(total.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (total < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    private static func rounded(_ a: String, _ b: String) -> String {
        let sum = (Double(a) ?? 0) + (Double(b) ?? 0)
        return sum.isFinite ? "\(sum)" : b
    }

    /// Nil for numbers with an exponent, and long ones.
    private static func parts(_ text: String) -> (value: Int, scale: Int)? {
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count <= 2, text.utf8.count <= maxDigits, let value = Int(pieces.joined()) else { return nil }
        let scale = pieces.count == 2 ? pieces[1].utf8.count : 0
        return scale <= 9 ? (value, scale) : exact(value, scale)
    }

    /// Small costs have many decimals; their digits are few.
    private static func exact(_ value: Int, _ scale: Int) -> (value: Int, scale: Int)? {
        value.magnitude < 1_000_000 && scale <= 12 ? (value, scale) : nil
    }

    private static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * 10 } }
}
