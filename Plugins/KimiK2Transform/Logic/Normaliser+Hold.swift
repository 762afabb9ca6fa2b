/// Markers of which it is doubtful whether they are quoted.
extension Normaliser {
    /// Feeds a held marker's surroundings until they tell; the byte that tells is not used.
    mutating func watch(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        guard var held = hold else { return start }
        hold = nil
        for index in start..<bytes.count {
            let verdict = held.take(bytes[index])
            if verdict != .undecided {
                held.giveBackLast()
                settleHold(held, verdict, &output)
                return index
            }
        }
        hold = held
        return bytes.count
    }

    /// Works on the held bytes, now that it is known what they are.
    mutating func settleHold(_ held: Hold, _ verdict: Hold.Verdict, _ output: inout some NormalisedOutput) {
        hold = nil
        let bytes = held.bytes
        bytes.withUnsafeBytes { all in
            if verdict == .real {
                asTransient(bytes[...], &output) { $0.actOn(held, $1, &$2) }
                run(all.slice(held.markerLength..<all.count), transient: true, &output)
            } else {
                if held.isAtLimit { notes.add(.limit) }
                passQuoted(held, all, &output)
            }
        }
    }

    private mutating func actOn(_ held: Hold, _ all: Bytes, _ output: inout some NormalisedOutput) {
        let spelled = all.slice(0..<held.markerLength)
        if held.isInString {
            endArguments(at: held.marker, spelled, &output)
        } else {
            code.reset()
            apply(held.marker, spelled, &output)
        }
    }

    private mutating func passQuoted(_ held: Hold, _ text: Bytes, _ output: inout some NormalisedOutput) {
        let outer = isTransient
        isTransient = true
        if held.isInString {
            passQuotedArguments(text, &output)
        } else {
            code = held.code
            noteLine(text)
            emitText(text, &output)
        }
        isTransient = outer
    }
}
