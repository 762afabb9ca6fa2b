/// Follows a JSON number byte by byte.
struct NumberScan {
    private enum State { case start, minus, zero, integer, point, fraction, exponent, sign, power }

    private var state = State.start
    private(set) var hasExponent = false
    private(set) var hasPoint = false
    /// Nothing but zeros behind the point.
    private(set) var isRound = true

    /// Could the number end here?
    var isComplete: Bool { state == .zero || state == .integer || state == .fraction || state == .power }

    /// Further digits change nothing.
    var isInDigits: Bool { state == .integer || state == .power }

    /// A whole number, however it is spelled; with an exponent that is not looked into.
    var isIntegral: Bool { !hasExponent && isRound }

    /// Takes the next byte; false if the number cannot go on with it.
    mutating func take(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (.start, 0x2D): state = .minus
        case (.start, 0x30), (.minus, 0x30): state = .zero
        case (.start, 0x31...0x39), (.minus, 0x31...0x39), (.integer, 0x30...0x39): state = .integer
        case (.zero, 0x2E), (.integer, 0x2E):
            state = .point
            hasPoint = true
        case (.point, 0x30...0x39), (.fraction, 0x30...0x39):
            state = .fraction
            if byte != 0x30 { isRound = false }
        case (.zero, 0x45), (.zero, 0x65), (.integer, 0x45), (.integer, 0x65), (.fraction, 0x45), (.fraction, 0x65):
            state = .exponent
            hasExponent = true
        case (.exponent, 0x2B), (.exponent, 0x2D): state = .sign
        case (.exponent, 0x30...0x39), (.sign, 0x30...0x39), (.power, 0x30...0x39): state = .power
        default: return false
        }
        return true
    }

    /// Reads a whole text; nil if it is not exactly one number.
    static func read(_ text: some Sequence<UInt8>) -> NumberScan? {
        var scan = NumberScan()
        for byte in text where !scan.take(byte) { return nil }
        return scan.isComplete ? scan : nil
    }
}
