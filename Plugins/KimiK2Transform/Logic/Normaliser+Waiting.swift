/// Calls that nothing may be emitted of before they are complete.
extension Normaliser {
    /// Too long to wait: a named call goes on unchecked, an unnamed one cannot be one.
    mutating func stopWaiting(_ open: inout OpenCall, _ output: inout some NormalisedOutput) {
        notes.add(.limit)
        switch open.header {
        case .likely(_, let otherwise, let id): open.header = .call(name: otherwise, id: id)
        case .unnamed(let id, let otherwise?): open.header = .call(name: otherwise, id: id)
        default: break
        }
        if case .call = open.header {
            stopHolding(&open, &output)
        } else {
            notes.add(.droppedCall)
            open.header = .none
            open.arguments = []
        }
    }

    mutating func isRepetition(_ open: OpenCall) -> Bool {
        guard case .call(let name, _) = open.header else { return false }
        return ledger.isRepetition(open.source, name, open.arguments)
    }

    /// Repairs arguments once more, now that the tool and its schema are known.
    func refilter(_ open: inout OpenCall, _ name: String) {
        guard open.filter.isObject, let schema = tools.schema(of: name) else { return }
        var filter = ArgumentFilter(repairs: options.repairs, schema: schema)
        let text = filter.run(open.arguments)
        guard filter.isObject else { return }
        open.arguments = text
        open.notes.add(filter.notes)
        if filter.mismatches { open.notes.add(Flag.schemaMismatch) }
    }
}

/// From what surrounds arguments to the arguments.
extension Normaliser {
    /// Makes the call's filter, for its tool if that is known already.
    func prepare(_ open: inout OpenCall) {
        guard !open.isFiltered else { return }
        open.isFiltered = true
        var schema: ParameterSchema?
        if case .call(let name, _) = open.header { schema = tools.schema(of: name) }
        open.filter = ArgumentFilter(repairs: options.repairs, schema: schema)
    }

    /// The end of a call whose arguments came through `stream`.
    mutating func finish(
        _ stream: inout ArgumentStream, of open: inout OpenCall, isCut: Bool, _ output: inout some NormalisedOutput
    ) {
        stream.flush().withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        for repair in stream.repairs { open.notes.add(repair) }
        close(&open, isEmpty: stream.isEmpty, isCut: isCut, &output)
    }

    /// What the filter still holds, and an object in place of nothing.
    mutating func finishArguments(
        _ open: inout OpenCall, isEmpty: Bool, isCut: Bool, _ output: inout some NormalisedOutput
    ) {
        prepare(&open)
        if isEmpty || !open.hasArguments && !open.filter.isHolding {
            guard options.repairs.contains(.emptyArguments), !isCut || isEmpty else { return }
            open.notes.add(Repair.emptyArguments)
            Array("{}".utf8).withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        }
        let rest = open.filter.finish(isCut: isCut)
        rest.withUnsafeBytes { put($0, transient: true, to: &open, &output) }
    }
}
