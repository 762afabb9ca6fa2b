/// What follows a call's arguments, up to the marker that ends the call.
extension Normaliser {
    mutating func beginTail() {
        mode = .tail
        afterArguments = true
        isGlued = true
        pending.removeAll(keepingCapacity: true)
    }

    /// Blanks, the rest of a fence, brackets too many, and more JSON may stand between the arguments and the call's
    /// end.
    mutating func runTail(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        let byte = bytes[start]
        if byte == 0x3C {
            switch MarkerTable.match(bytes, at: start) {
            case .none: break
            case .partial: return carryRest(bytes, from: start)
            case .full(let found, let length):
                marker(found, bytes.slice(start..<start + length), &output)
                return start + length
            }
        }
        if arguments.isWrapping(byte) {
            isGlued = false
            if !pending.isEmpty { pending.append(byte) }
            return start + 1
        }
        if byte == 0x7B, startGluedCall() { return start }
        if Self.isCloser(byte), pending.count < Limits.strayClosers, options.repairs.contains(.trailingGarbage) {
            pending.append(byte)
            return start + 1
        }
        leaveTail(&output)
        return start
    }

    /// A second object right behind the first is a second call of the same tool, if it turns out to be JSON. Outside
    /// a section only if nothing at all is between them: there, text may follow a call.
    private mutating func startGluedCall() -> Bool {
        guard options.repairs.contains(.splitCalls), inSection || isGlued && pending.isEmpty, let name = lastName,
            pending.allSatisfy({ isBlank($0) || $0 == 0x2C }), pending.filter({ $0 == 0x2C }).count < 2,
            mayGlueCall()
        else { return false }
        pending.removeAll(keepingCapacity: true)
        startCall(.call(name: name, id: nil), isTentative: true)
        return true
    }

    /// May one more call begin behind another's arguments? A model that repeats itself without end means no calls.
    mutating func mayGlueCall() -> Bool {
        gluedCalls += 1
        if gluedCalls == Limits.gluedCalls + 1 { notes.add(.limit) }
        return gluedCalls <= Limits.gluedCalls
    }

    /// What may be left over of JSON that was closed once too often.
    static func isCloser(_ byte: UInt8) -> Bool {
        byte == 0x7D || byte == 0x5D || byte == 0x29 || byte == 0x22 || byte == 0x2C || byte == 0x3B
    }

    /// What follows is neither wrapping nor JSON: in a section it is dropped with the call's end, outside it is text.
    mutating func leaveTail(_ output: inout some NormalisedOutput) {
        if inSection {
            mode = .section
        } else {
            afterArguments = false
            leaveCallsWithPending(&output)
        }
    }

    mutating func tailMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        noteGarbage()
        pending.removeAll(keepingCapacity: true)
        if inSection { mode = .section } else { leaveCalls() }
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

    /// What stands between the arguments and the marker that comes now is about to be dropped.
    mutating func noteGarbage() {
        if mode != .section, afterArguments, pending.contains(where: { !isBlank($0) }) {
            notes.add(Repair.trailingGarbage)
        }
        afterArguments = false
    }
}
