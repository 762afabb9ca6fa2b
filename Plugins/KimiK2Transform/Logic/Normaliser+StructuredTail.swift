/// Where the bytes of a structured call stand that follow its own arguments.
struct StructuredTail {
    enum Spot {
        /// In arguments, the call's own or those of one found behind them.
        case arguments
        /// Between calls.
        case between
        /// In the head of a call.
        case header
    }

    var spot = Spot.arguments
    /// The beginning of a marker, cut off by the end of a piece.
    var carry: [UInt8] = []
    /// The head of a call, as far as it came.
    var header: [UInt8] = []
    /// The call in hand was closed already.
    var isClosed = false
    /// Text that is no call came since.
    var hasGarbage = false
    /// A comma stands between two objects.
    var hasComma = false
}

extension StructuredCall {
    /// The arguments began and are not whole.
    var isIncomplete: Bool {
        tail.spot == .arguments && !arguments.isEmpty && !arguments.isComplete && !tail.isClosed
            && !(call.isFiltered && call.filter.isWhole)
    }
}

/// Some upstreams part calls badly: the arguments of one go on with the markup of the next, or with its arguments.
extension Normaliser {
    mutating func runStructured(
        _ entry: inout StructuredCall, _ bytes: Bytes, _ output: inout some NormalisedOutput
    ) {
        guard entry.tail.carry.isEmpty else {
            let joined = entry.tail.carry + bytes
            entry.tail.carry = []
            return joined.withUnsafeBytes { runStructured(&entry, $0, from: 0, transient: true, &output) }
        }
        runStructured(&entry, bytes, from: 0, transient: false, &output)
    }

    private mutating func runStructured(
        _ entry: inout StructuredCall, _ bytes: Bytes, from start: Int, transient: Bool,
        _ output: inout some NormalisedOutput
    ) {
        var index = start
        while index < bytes.count {
            switch entry.tail.spot {
            case .arguments: index = structuredArguments(&entry, bytes, index, transient, &output)
            case .between, .header: index = structuredBetween(&entry, bytes, index, &output)
            }
        }
    }

    private mutating func structuredArguments(
        _ entry: inout StructuredCall, _ bytes: Bytes, _ start: Int, _ transient: Bool,
        _ output: inout some NormalisedOutput
    ) -> Int {
        let step = entry.arguments.next(bytes, from: start)
        append(bytes.slice(step.range), transient: transient, to: &entry.call, &output)
        if step.usesScratch {
            let text = entry.arguments.scratch
            text.withUnsafeBytes { append($0, transient: true, to: &entry.call, &output) }
        }
        switch step.stop {
        case .none: return step.end
        case .complete: entry.tail.spot = .between
        case .marker: return structuredMarker(&entry, bytes, step.end, &output)
        }
        // Nothing more can become of it: it need not wait for its end.
        closeInHand(&entry, isCut: false, &output)
        return step.end
    }

    /// A marker outside strings, or what may become one, at `start` in the arguments.
    private mutating func structuredMarker(
        _ entry: inout StructuredCall, _ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput
    ) -> Int {
        switch MarkerTable.match(bytes, at: start) {
        case .partial, .none:
            entry.tail.carry = Array(bytes[start...])
            return bytes.count
        case .full(let marker, let length):
            guard marker.isToolMarker || marker == .turnEnd else {
                passStructured(&entry, bytes.slice(start..<start + length), &output)
                return start + length
            }
            if entry.arguments.isEmpty, marker != .callBegin {
                notes.add(Repair.markers)
                return start + length  // Markup before the arguments says nothing new.
            }
            if !entry.arguments.isEmpty { closeInHand(&entry, isCut: false, &output) }
            entry.tail.spot = marker == .callBegin ? .header : .between
            return start + length
        }
    }

    /// What looked like a marker is part of the arguments.
    mutating func passStructured(
        _ entry: inout StructuredCall, _ text: Bytes, _ output: inout some NormalisedOutput
    ) {
        let markers = entry.arguments.markers
        entry.arguments.markers = .nowhere
        runStructured(&entry, text, from: 0, transient: true, &output)
        entry.arguments.markers = markers
    }

    // MARK: - Between calls

    private mutating func structuredBetween(
        _ entry: inout StructuredCall, _ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput
    ) -> Int {
        let byte = bytes[start]
        if byte == 0x3C, entry.arguments.markers != .nowhere {
            switch MarkerTable.match(bytes, at: start) {
            case .none: break
            case .partial:
                entry.tail.carry = Array(bytes[start...])
                return bytes.count
            case .full(let marker, let length):
                betweenMarker(&entry, marker, &output)
                return start + length
            }
        }
        if byte == 0x7B, beginGlued(&entry, &output) { return start }
        if entry.tail.spot == .header, entry.tail.header.count < CallHeader.limit {
            entry.tail.header.append(byte)
        } else if byte == 0x2C, !entry.tail.hasGarbage, !entry.tail.hasComma {
            entry.tail.hasComma = true
        } else if !entry.arguments.isWrapping(byte) {
            entry.tail.hasGarbage = true
        }
        return start + 1
    }

    private mutating func betweenMarker(
        _ entry: inout StructuredCall, _ marker: Marker, _ output: inout some NormalisedOutput
    ) {
        switch marker {
        case .callBegin:
            entry.tail.spot = .header
            entry.tail.header = []
        case .argumentBegin where entry.tail.spot == .header: beginNext(&entry, &output)
        default: entry.tail.spot = .between
        }
    }

    /// An object begins: behind a head, or glued to the one before.
    private mutating func beginGlued(
        _ entry: inout StructuredCall, _ output: inout some NormalisedOutput
    ) -> Bool {
        if entry.tail.spot == .header, !entry.tail.header.trimmed.isEmpty {
            beginNext(&entry, &output)
            return true
        }
        guard options.repairs.contains(.splitCalls), entry.tail.spot == .between, !entry.tail.hasGarbage,
            case .call(let name, _) = entry.call.header, mayGlueCall()
        else { return false }
        replaceInHand(&entry, .call(name: name, id: nil), isTentative: true, &output)
        return true
    }

    /// A call of its own begins inside the arguments of another.
    private mutating func beginNext(_ entry: inout StructuredCall, _ output: inout some NormalisedOutput) {
        let head = entry.tail.header
        if !entry.tail.isClosed, entry.arguments.isEmpty {
            // It stands before the call's own arguments, whose name is known.
            notes.add(Repair.markers)
            entry.tail = StructuredTail()
            return
        }
        notes.add(Repair.splitCalls)
        let (header, isRenamed) = readHeader(head)
        replaceInHand(&entry, header, isRenamed: isRenamed, isTentative: false, &output)
    }

    private mutating func replaceInHand(
        _ entry: inout StructuredCall, _ header: CallHeader, isRenamed: Bool = false, isTentative: Bool,
        _ output: inout some NormalisedOutput
    ) {
        if entry.tail.hasGarbage { notes.add(Repair.trailingGarbage) }
        entry = openStructured(
            entry.number, header, isRenamed: isRenamed, isTentative: isTentative, &output)
    }

    mutating func closeInHand(
        _ entry: inout StructuredCall, isCut: Bool, _ output: inout some NormalisedOutput
    ) {
        guard !entry.tail.isClosed else { return }
        entry.tail.isClosed = true
        finish(&entry.arguments, of: &entry.call, isCut: isCut, &output)
    }
}
