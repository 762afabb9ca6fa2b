/// The values of a K3 call's arguments, and where they end.
extension Normaliser {
    mutating func beginValue(_ tag: XTMLTag) {
        pending.removeAll(keepingCapacity: true)
        let key = tag.value(of: "key", "name") ?? []
        let isRepeated = xtml.keys.contains(key)
        if isRepeated { notes.add(.invalidArguments) }
        if xtml.keys.count < Limits.xtmlKeys { xtml.keys.insert(key) }
        xtml.argument = XTMLArgument(tag, isRepeated: isRepeated)
        mode = .value
    }

    mutating func runValue(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        var index = start
        while index < bytes.count {
            if bytes[index] == 0x3C {
                switch lookUp(bytes, index) {
                case .none: break
                case .partial:
                    valueText(bytes.slice(start..<index), &output)
                    return carryRest(bytes, from: index)
                case .full(let found, let length):
                    valueText(bytes.slice(start..<index), &output)
                    marker(found, bytes.slice(index..<index + length), &output)
                    return index + length
                }
            }
            index += 1
        }
        valueText(bytes.slice(start..<index), &output)
        return index
    }

    /// A piece of the value.
    mutating func valueText(_ text: Bytes, _ output: inout some NormalisedOutput) {
        guard !text.isEmpty, let form = xtml.argument?.form else { return }
        switch form {
        case .repeated: break
        case .raw:
            beginMember(&output)
            escapedOutput(text, &output)
        case .json:
            xtml.argument?.held.append(contentsOf: text)
            if xtml.argument?.held.count ?? 0 > Limits.xtmlValue {
                notes.add(.limit)
                goOnAsString(&output)
            }
        }
    }

    /// What is held is no JSON, or too much of it: it is a string.
    private mutating func goOnAsString(_ output: inout some NormalisedOutput) {
        guard let held = xtml.argument?.held else { return }
        xtml.argument?.held = []
        xtml.argument?.form = .raw
        beginMember(&output)
        asTransient(held[...], &output) { $0.escapedOutput($1, &$2) }
    }

    /// Sends the key, once, and the quote before a string.
    mutating func beginMember(_ output: inout some NormalisedOutput) {
        guard let argument = xtml.argument, !argument.hasBegun else { return }
        xtml.argument?.hasBegun = true
        var text = Array((xtml.members == 0 ? "{\"" : ", \"").utf8)
        argument.key.withUnsafeBytes { JSONEscape.append($0, to: &text) }
        text += Array((argument.form == .raw ? "\": \"" : "\": ").utf8)
        xtml.members += 1
        argumentOutput(text, &output)
    }

    private mutating func escapedOutput(_ text: Bytes, _ output: inout some NormalisedOutput) {
        guard text.contains(where: JSONEscape.isNeeded) else { return argumentOutput(text, &output) }
        var escaped: [UInt8] = []
        JSONEscape.append(text, to: &escaped)
        argumentOutput(escaped, &output)
    }

    private mutating func endValue(_ output: inout some NormalisedOutput) {
        mode = .call
        guard let argument = xtml.argument, argument.form != .repeated else { return xtml.argument = nil }
        if argument.form == .json {
            if let (json, found) = argument.json(options.repairs) {
                notes.add(found)
                beginMember(&output)
                argumentOutput(json, &output)
                return xtml.argument = nil
            }
            notes.add(.invalidArguments)
            goOnAsString(&output)
        }
        beginMember(&output)
        argumentOutput([0x22], &output)
        xtml.argument = nil
    }

    // MARK: - Is it the end?

    mutating func valueTag(_ tag: XTMLTag, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if let level = tag.closes, let argument = xtml.argument {
            xtml.end = XTMLValueEnd(tag, spelled, closes: level, closesQuoted: argument.closesQuoted(tag))
            mode = .valueEnd
        } else {
            xtml.argument?.quote(tag)
            valueText(spelled, &output)
        }
    }

    mutating func runValueEnd(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        let byte = bytes[start]
        if isBlank(byte), xtml.end?.takeBlank(byte) == true { return start + 1 }
        if byte == 0x3C {
            switch lookUp(bytes, start) {
            case .none: break
            case .partial: return carryRest(bytes, from: start)
            case .full(let found, let length):
                marker(found, bytes.slice(start..<start + length), &output)
                return start + length
            }
        }
        quoteValueEnd(&output)
        return start
    }

    mutating func valueEndTag(_ tag: XTMLTag, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        switch xtml.end?.take(tag, spelled) {
        case .real: acceptValueEnd(&output)
        case .quoted: quoteValueEnd(&output)
        case .undecided, nil: break
        }
    }

    /// The value ended where it seemed to.
    mutating func acceptValueEnd(_ output: inout some NormalisedOutput) {
        guard let end = xtml.end else { return }
        xtml.end = nil
        endValue(&output)
        asTransient(end.bytes[...], &output) { $0.run($1, transient: true, &$2) }
    }

    /// It did not: the tag is text of the value, and what followed may be its end.
    mutating func quoteValueEnd(_ output: inout some NormalisedOutput) {
        guard let end = xtml.end else { return }
        xtml.end = nil
        mode = .value
        xtml.argument?.quote(end.tag)
        asTransient(end.bytes[..<end.tagLength], &output) { $0.valueText($1, &$2) }
        asTransient(end.bytes[end.tagLength...], &output) { $0.run($1, transient: true, &$2) }
    }
}
