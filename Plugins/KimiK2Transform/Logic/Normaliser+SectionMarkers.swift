/// What each marker means in a section, in the head of a call, and in place of a role.
extension Normaliser {
    mutating func sectionMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        noteGarbage()
        noteJunk(before: marker)
        switch marker {
        case .callBegin: beginCall(&output)
        case .argumentBegin:
            // The call's own markers are missing: its head is the last word before.
            let word = pending.trimmed.split(whereSeparator: isBlank).last ?? []
            sectionHasCalls = true
            beginArguments(header: word)
        case .sectionEnd where sectionHasCalls:
            pending.removeAll(keepingCapacity: true)
            if !beginsAreLost { leaveCalls() }
        case .sectionEnd:
            notes.add(.markers)
            leaveCallsWithPending(&output)
        case .callEnd where sectionHasCalls, .sectionBegin where sectionHasCalls:
            pending.removeAll(keepingCapacity: true)
        case .sectionBegin, .callEnd, .roleMiddle, .xtml: break
        case .thinkOpen, .thinkClose, .turnEnd, .role:
            leaveCallsWithPending(&output)
            apply(marker, spelled, &output)
        }
    }

    /// Words between the calls of a section go; a section without calls gives them back.
    private mutating func noteJunk(before marker: Marker) {
        switch marker {
        case .callBegin: break
        case .sectionBegin, .sectionEnd, .callEnd: guard sectionHasCalls else { return }
        case .argumentBegin: guard pending.trimmed.contains(where: isBlank) else { return }
        default: return
        }
        if pending.contains(where: { !isBlank($0) }) { notes.add(.trailingGarbage) }
    }

    mutating func headerMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if marker != .argumentBegin, marker != .roleMiddle {
            if pending.trimmed.isEmpty { notes.add(.markers) } else { notes.add(.droppedCall) }
        }
        switch marker {
        case .argumentBegin: beginArguments(header: pending.trimmed)
        case .callBegin: pending.removeAll(keepingCapacity: true)
        case .callEnd:
            pending.removeAll(keepingCapacity: true)
            if inSection { mode = .section } else { leaveCalls() }
        case .sectionEnd:
            pending.removeAll(keepingCapacity: true)
            leaveCalls()
        case .sectionBegin:
            pending.removeAll(keepingCapacity: true)
            mode = .section
            inSection = true
        case .roleMiddle, .xtml: break
        case .thinkOpen, .thinkClose, .turnEnd, .role:
            pending.removeAll(keepingCapacity: true)
            leaveCalls()
            apply(marker, spelled, &output)
        }
    }

    mutating func roleMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if marker == .roleMiddle {
            mode = .text
            endsLine = true
            pending.removeAll(keepingCapacity: true)
        } else {
            leaveRole(&output)
            textMarker(marker, spelled, &output)
        }
    }
}
