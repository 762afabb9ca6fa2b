/// Arguments of calls found in text.
extension Normaliser {
    mutating func beginArguments(header: some Sequence<UInt8>) {
        let (found, isRenamed) = readHeader(header)
        startCall(found, isRenamed: isRenamed)
        pending.removeAll(keepingCapacity: true)
    }

    mutating func startCall(_ header: CallHeader, isRenamed: Bool = false, isTentative: Bool = false) {
        let from: CallSource = source == .content ? .content : .reasoning
        let waits = isTentative || ledger.mayRepeat(from) || header.waitsForArguments
        call = OpenCall(
            header: header, source: from, waits: waits, isTentative: isTentative, isRenamed: isRenamed)
        arguments = ArgumentStream(
            repairs: options.repairs, keepsTail: inSection && !options.repairs.contains(.trailingGarbage))
        lastName = nil
        mode = .arguments
    }

    mutating func runArguments(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        let step = arguments.next(bytes, from: start)
        take(step, bytes, &output)
        switch step.stop {
        case .none: return step.end
        case .complete:
            endCall(&output)
            beginTail()
            return step.end
        case .marker: break
        }
        if case .full(let found, let length) = MarkerTable.match(bytes, at: step.end) {
            marker(found, bytes.slice(step.end..<step.end + length), &output)
            return step.end + length
        }
        return carryRest(bytes, from: step.end)
    }

    private mutating func take(
        _ step: ArgumentStream.Step, _ bytes: Bytes, _ output: inout some NormalisedOutput
    ) {
        if !step.range.isEmpty { argumentOutput(bytes.slice(step.range), &output) }
        guard step.usesScratch, !arguments.scratch.isEmpty else { return }
        let text = arguments.scratch
        let outer = isTransient
        isTransient = true
        text.withUnsafeBytes { argumentOutput($0, &output) }
        isTransient = outer
    }

    mutating func argumentOutput(_ text: Bytes, _ output: inout some NormalisedOutput) {
        guard var open = call else { return }
        call = nil
        append(text, transient: isTransient, to: &open, &output)
        call = open
    }

    /// Markers that turned out to be quoted in a string, and what looked like the beginning of one.
    mutating func passQuotedArguments(_ text: Bytes, _ output: inout some NormalisedOutput) {
        let markers = arguments.markers
        arguments.markers = .nowhere
        var index = 0
        while index < text.count, !arguments.isComplete {
            let step = arguments.next(text, from: index)
            take(step, text, &output)
            index = step.end
        }
        arguments.markers = markers
    }

    // MARK: - Ends

    mutating func argumentMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        let endsCall = marker == .callBegin || marker == .callEnd || marker == .sectionEnd
        if let quote = arguments.stringQuote, endsCall {
            hold = .inString(marker, spelled, quote: quote)
        } else if arguments.inString || isQuietInArguments(marker) {
            passQuotedArguments(spelled, &output)
        } else if marker != .argumentBegin {
            endArguments(at: marker, spelled, &output)
        }
    }

    private func isQuietInArguments(_ marker: Marker) -> Bool {
        if case .thinkOpen = marker { return true }
        return marker == .roleMiddle
    }

    /// A real marker ends the call's arguments, complete or not.
    mutating func endArguments(at marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        endCall(&output)
        beginTail()
        tailMarker(marker, spelled, &output)
    }

    /// `isCut`: the reply ended here, not the call.
    mutating func endCall(isCut: Bool = false, _ output: inout some NormalisedOutput) {
        guard var open = call else { return }
        call = nil
        var stream = arguments
        finish(&stream, of: &open, isCut: isCut, &output)
        arguments = stream
    }
}
