/// Arguments of calls found in text.
extension Normaliser {
    mutating func beginArguments(header: some Sequence<UInt8>) {
        startCall(CallHeader.read(header, tools.catalogue))
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func startCall(_ header: CallHeader) {
        let from: CallSource = source == .content ? .content : .reasoning
        var waits = ledger.mayRepeat(from)
        if case .unnamed = header { waits = true }
        call = OpenCall(header: header, source: from, waits: waits)
        arguments = ArgumentStream()
        mode = .arguments
    }

    mutating func runArguments(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        let step = arguments.next(bytes, from: start)
        take(step, bytes, &output)
        switch step.stop {
        case .none: return step.end
        case .complete:
            endCall(&output)
            mode = .tail
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

    /// Markers that turned out to be quoted in a string.
    mutating func passQuotedArguments(_ text: Bytes, _ output: inout some NormalisedOutput) {
        arguments.ignoresMarkers = true
        var index = 0
        while index < text.count, !arguments.isComplete {
            let step = arguments.next(text, from: index)
            take(step, text, &output)
            index = step.end
        }
        arguments.ignoresMarkers = false
    }

    // MARK: - Ends

    mutating func argumentMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        let endsCall = marker == .callBegin || marker == .callEnd || marker == .sectionEnd
        if arguments.isInPlainString, endsCall {
            hold = .inString(marker, spelled)
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
        mode = .tail
        tailMarker(marker, spelled, &output)
    }

    mutating func endCall(_ output: inout some NormalisedOutput) {
        guard var open = call else { return }
        call = nil
        close(&open, isEmpty: arguments.isEmpty, &output)
    }

    // MARK: - After the arguments

    /// Blanks, the rest of a fence, and more JSON may stand between the arguments and the call's end.
    mutating func runTail(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        let byte = bytes[start]
        if isBlank(byte) || byte == 0x60 && arguments.isFenced || byte == 0x22 && arguments.wasEncoded {
            return start + 1
        }
        if byte == 0x3C {
            switch MarkerTable.match(bytes, at: start) {
            case .none: break
            case .partial: return carryRest(bytes, from: start)
            case .full(let found, let length):
                marker(found, bytes.slice(start..<start + length), &output)
                return start + length
            }
        }
        if byte == 0x7B, inSection, let name = lastName {
            // A second object right behind the first is a second call of the same tool.
            startCall(.call(name: name, id: nil))
        } else {
            leaveTail()
        }
        return start
    }

    mutating func leaveTail() {
        pending.removeAll(keepingCapacity: true)
        if inSection { mode = .section } else { leaveCalls() }
    }

    mutating func tailMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        leaveTail()
        switch marker {
        case .callEnd: break
        case .callBegin: beginCall(&output)
        default:
            if inSection {
                sectionMarker(marker, spelled, &output)
            } else {
                apply(marker, spelled, &output)
            }
        }
    }
}
