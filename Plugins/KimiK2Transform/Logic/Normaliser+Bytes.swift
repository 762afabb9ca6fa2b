/// Working through bytes: whose turn it is, and markers that are cut.
extension Normaliser {
    mutating func run(_ bytes: Bytes, transient: Bool, _ output: inout some NormalisedOutput) {
        let outer = isTransient
        isTransient = transient
        carriedHere = 0
        var index = 0
        while index < bytes.count {
            if hold != nil {
                index = watch(bytes, index, &output)
            } else if foreign != nil {
                index = watchForeign(bytes, index, &output)
            } else if xtml.tag != nil {
                index = readTag(bytes, index, &output)
            } else if !carry.isEmpty {
                index = completeMarker(bytes, index, &output)
            } else {
                index = step(bytes, index, &output)
            }
        }
        isTransient = outer
        carriedHere = 0
    }

    private mutating func step(_ bytes: Bytes, _ index: Int, _ output: inout some NormalisedOutput) -> Int {
        switch mode {
        case .text: runText(bytes, index, &output)
        case .section, .header, .role: collect(bytes, index, &output)
        case .arguments: runArguments(bytes, index, &output)
        case .tail: runTail(bytes, index, &output)
        case .tools, .call: collectXTML(bytes, index, &output)
        case .value: runValue(bytes, index, &output)
        case .valueEnd: runValueEnd(bytes, index, &output)
        }
    }

    /// Keeps the beginning of a marker at the end of `bytes`.
    mutating func carryRest(_ bytes: Bytes, from start: Int) -> Int {
        carry.append(contentsOf: bytes[start...])
        isCarryMuted = isForeignMuted
        carriedHere = carry.count
        return bytes.count
    }

    /// Takes the next byte of a marker whose beginning is in `carry`.
    private mutating func completeMarker(
        _ bytes: Bytes, _ index: Int, _ output: inout some NormalisedOutput
    ) -> Int {
        carry.append(bytes[index])
        carriedHere += 1
        switch carry.withUnsafeBytes({ lookUp($0, 0) }) {
        case .partial: return index + 1
        case .full(let found, _):
            feedCarry(as: found, &output)
            return index + 1
        case .none: break
        }
        // Give back this byte, and half of a code point before it: texts are never cut inside one.
        let back = min(1 + openCodePoint(before: carry.count - 1), carriedHere)
        carry.removeLast(back)
        if !carry.isEmpty { feedCarry(as: nil, &output) }
        return index + 1 - back
    }

    /// Bytes of an unfinished `◁` or `▷` before `end` in `carry`.
    private func openCodePoint(before end: Int) -> Int {
        if end >= 1, carry[end - 1] == 0xE2 { return 1 }
        if end >= 2, carry[end - 2] == 0xE2 { return 2 }
        return 0
    }

    /// Empties `carry` and works on what it held: a marker, or text.
    mutating func feedCarry(as found: Marker?, _ output: inout some NormalisedOutput) {
        let text = carry
        carry = []
        carriedHere = 0
        let outer = isTransient
        isTransient = true
        text.withUnsafeBytes { spelled in
            if let found { marker(found, spelled, &output) } else { literal(spelled, &output) }
        }
        isTransient = outer
    }

    /// A marker of this spelling was met.
    mutating func marker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if marker == .xtml { return beginTag(spelled) }
        switch mode {
        case .text: textMarker(marker, spelled, &output)
        case .section: sectionMarker(marker, spelled, &output)
        case .header: headerMarker(marker, spelled, &output)
        case .arguments: argumentMarker(marker, spelled, &output)
        case .tail: tailMarker(marker, spelled, &output)
        case .role: roleMarker(marker, spelled, &output)
        case .tools, .call, .value, .valueEnd: literal(spelled, &output)
        }
    }

    /// What looked like a marker is text.
    mutating func literal(_ text: Bytes, _ output: inout some NormalisedOutput) {
        switch mode {
        case .text:
            code.settle()
            endsLine = false
            if !isCarryMuted, foreignBegins(text, 0) {
                beginForeign()
                _ = watchForeign(text, 0, &output)
            } else {
                emitText(text, &output)
            }
        case .section, .header, .role: collectLiteral(text, &output)
        case .arguments:
            let outer = isTransient
            isTransient = true
            passQuotedArguments(text, &output)
            isTransient = outer
        case .tail:
            leaveTail(&output)
            run(text, transient: true, &output)
        case .tools, .call: collectXTMLLiteral(text, &output)
        case .value: valueText(text, &output)
        case .valueEnd:
            quoteValueEnd(&output)
            run(text, transient: true, &output)  // A tag may be open now.
        }
    }
}
