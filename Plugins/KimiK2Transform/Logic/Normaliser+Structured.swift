/// A call that the upstream gave structured, by the number it gave it.
struct StructuredCall {
    var number: UInt32
    var call: OpenCall
    var arguments = ArgumentStream(ignoresMarkers: true)
}

/// Calls that the upstream parsed itself: numbered anew after those found in text, repaired, not given twice.
extension Normaliser {
    package mutating func structuredBegin(
        _ number: UInt32, id: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer,
        to output: inout some NormalisedOutput
    ) {
        guard !isFinished else { return }
        structuredEnd(number, to: &output)
        decide(.content, &output)
        let wish = id.isEmpty ? nil : String(decoding: id, as: UTF8.self)
        let header = structuredHeader(name, id: wish)
        let waits = ledger.mayRepeat(.structured) || header.waitsForArguments
        var open = OpenCall(header: header, source: .structured, waits: waits)
        if !waits { _ = begin(&open, &output) }
        structured.append(StructuredCall(number: number, call: open))
        refreshQuick()
    }

    package mutating func structuredArguments(
        _ number: UInt32, _ bytes: UnsafeRawBufferPointer, to output: inout some NormalisedOutput
    ) {
        guard let at = structured.firstIndex(where: { $0.number == number }) else { return }
        var entry = structured[at]
        structured[at].call.arguments = []
        var index = 0
        while index < bytes.count, !entry.arguments.isComplete {
            let step = entry.arguments.next(bytes, from: index)
            append(bytes.slice(step.range), transient: false, to: &entry.call, &output)
            if step.usesScratch {
                let text = entry.arguments.scratch
                text.withUnsafeBytes { append($0, transient: true, to: &entry.call, &output) }
            }
            index = step.end
        }
        structured[at] = entry
    }

    package mutating func structuredEnd(_ number: UInt32, to output: inout some NormalisedOutput) {
        guard let at = structured.firstIndex(where: { $0.number == number }) else { return }
        var entry = structured.remove(at: at)
        let isEmpty = entry.arguments.isEmpty
        if !isEmpty, !entry.arguments.isComplete { isCut = true }
        close(&entry.call, isEmpty: isEmpty, &output)
        refreshQuick()
    }

    /// What a name that was given as such, outside of any text, stands for.
    func structuredHeader(_ name: Bytes, id: String?) -> CallHeader {
        if CallHeader.isDoubtful(name) { return repaired(name, id) }
        return .call(name: String(decoding: name, as: UTF8.self), id: id)
    }

    private func repaired(_ name: Bytes, _ wish: String?) -> CallHeader {
        switch CallHeader.readStructured(name, tools.catalogue) {
        case .call(let name, let id): .call(name: name, id: wish ?? id)
        case .unnamed(_, let otherwise): .unnamed(id: wish, otherwise: otherwise)
        case .none: .unnamed(id: wish, otherwise: String(decoding: name, as: UTF8.self))
        }
    }
}
