/// A call that the upstream gave structured, by the number it gave it.
struct StructuredCall {
    var number: UInt32
    var call: OpenCall
    var arguments: ArgumentStream
    /// What follows its arguments: the upstream may have taken several calls for one.
    var tail = StructuredTail()
    /// The upstream said that it is over, though its arguments are not.
    var isOverdue = false
}

/// Calls that the upstream parsed itself: numbered anew after those found in text, repaired, not given twice.
extension Normaliser {
    package mutating func structuredBegin(
        _ number: UInt32, id: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer,
        to output: inout some NormalisedOutput
    ) {
        guard !isFinished else { return }
        // A call that begins ends the one before.
        for entry in structured where entry.isOverdue || entry.number == number {
            closeStructured(entry.number, isCut: false, &output)
        }
        decide(.content, &output)
        let wish = id.isEmpty ? nil : String(decoding: id, as: UTF8.self)
        let header = structuredHeader(name, id: wish)
        var isRenamed = false
        if case .call(let found, _) = header { isRenamed = !name.elementsEqual(found.utf8) }
        structured.append(openStructured(number, header, isRenamed: isRenamed, &output))
        refreshQuick()
    }

    /// `isTentative`: only if the arguments turn out to be a whole object.
    mutating func openStructured(
        _ number: UInt32, _ header: CallHeader, isRenamed: Bool = false, isTentative: Bool = false,
        _ output: inout some NormalisedOutput
    ) -> StructuredCall {
        let waits = isTentative || ledger.mayRepeat(.structured) || header.waitsForArguments
        var open = OpenCall(
            header: header, source: .structured, waits: waits, isTentative: isTentative, isRenamed: isRenamed)
        if !waits, header != .none { _ = begin(&open, &output) }
        let repairs = options.repairs
        let stream = ArgumentStream(
            repairs: repairs, markers: repairs.contains(.splitCalls) ? .outsideStrings : .nowhere,
            keepsTail: !repairs.contains(.trailingGarbage))
        return StructuredCall(number: number, call: open, arguments: stream)
    }

    package mutating func structuredArguments(
        _ number: UInt32, _ bytes: UnsafeRawBufferPointer, to output: inout some NormalisedOutput
    ) {
        guard let at = structured.firstIndex(where: { $0.number == number }) else { return }
        // Taken out while it is worked on, so that nothing it holds is copied.
        var entry = StructuredCall(
            number: number, call: OpenCall(header: .none, source: .structured, waits: false),
            arguments: ArgumentStream())
        swap(&entry, &structured[at])
        runStructured(&entry, bytes, &output)
        swap(&entry, &structured[at])
    }

    package mutating func structuredEnd(_ number: UInt32, to output: inout some NormalisedOutput) {
        guard let at = structured.firstIndex(where: { $0.number == number }) else { return }
        if structured[at].isIncomplete, !isFinished {
            // Cut off, or closed badly? The next call or the reply's end tells.
            structured[at].isOverdue = true
        } else {
            closeStructured(number, isCut: false, &output)
        }
    }

    /// The end of the reply, for calls that are still open.
    mutating func endStructured(isCut: Bool, _ output: inout some NormalisedOutput) {
        for entry in structured { closeStructured(entry.number, isCut: isCut && entry.isIncomplete, &output) }
    }

    private mutating func closeStructured(_ number: UInt32, isCut: Bool, _ output: inout some NormalisedOutput) {
        guard let at = structured.firstIndex(where: { $0.number == number }) else { return }
        var entry = structured.remove(at: at)
        if isCut { self.isCut = true }
        finishStructured(&entry, isCut: isCut, &output)
        refreshQuick()
    }

    /// The end of the upstream's call.
    mutating func finishStructured(
        _ entry: inout StructuredCall, isCut: Bool, _ output: inout some NormalisedOutput
    ) {
        if entry.tail.spot == .arguments, !entry.tail.carry.isEmpty {
            let text = entry.tail.carry
            entry.tail.carry = []
            text.withUnsafeBytes { passStructured(&entry, $0, &output) }
        }
        closeInHand(&entry, isCut: isCut, &output)
        if entry.tail.hasGarbage { notes.add(Repair.trailingGarbage) }
    }
}
