/// Names of calls that only their arguments can tell, and what is counted when a call begins.
extension Normaliser {
    /// Reads the head of a call found in text.
    func readHeader(_ header: some Sequence<UInt8>) -> (header: CallHeader, isRenamed: Bool) {
        let text = Array(header)
        let repairs = options.repairs
        let found = CallHeader.read(text, tools.catalogue, repairing: repairs.contains(.names))
        guard case .call(let name, _) = found else { return (found, false) }
        return (found, HeaderWords(String(decoding: text, as: UTF8.self)).plainName != name[...])
    }

    /// The name of a structured call: its own, unless it is nothing that can be called.
    func structuredHeader(_ name: Bytes, id: String?) -> CallHeader {
        let own = String(decoding: name, as: UTF8.self)
        let tools = tools.catalogue
        let asIs = CallHeader.call(name: own, id: id)
        if tools.contains(own) || tools.isEmpty && !CallHeader.isDoubtful(name) { return asIs }
        let repairs = options.repairs
        switch CallHeader.readStructured(name, tools) {
        case .call(let name, let index):
            return repairs.contains(.names) ? .call(name: name, id: id ?? (repairs.contains(.ids) ? index : nil)) : asIs
        case .likely(let name, let otherwise, _):
            return repairs.contains(.names) ? .likely(name: name, otherwise: otherwise, id: id) : asIs
        case .unnamed(_, let otherwise):
            return repairs.contains(.inferredNames) ? .unnamed(id: id, otherwise: otherwise ?? own) : asIs
        case .none: return asIs
        }
    }

    /// Finds the name in or by the arguments, and repairs them by its schema; false if there is none.
    mutating func nameByArguments(_ open: inout OpenCall) -> Bool {
        if case .call = open.header { return true }
        guard findName(&open), case .call(let name, _) = open.header else { return false }
        refilter(&open, name)
        return true
    }

    private mutating func findName(_ open: inout OpenCall) -> Bool {
        switch open.header {
        case .call: return true
        case .none: return false
        case .likely(let name, let otherwise, let id):
            let names = ArgumentJSON.names(in: open.arguments)
            let fits = names.flatMap { names in tools.catalogue.tool(name)?.fits(arguments: names) } ?? false
            open.isRenamed = fits
            open.header = .call(name: fits ? name : otherwise, id: id)
            return true
        case .unnamed(let id, let otherwise):
            if options.repairs.contains(.inferredNames), infer(&open, id) {
                notes.add(.inferredNames)
                return true
            }
            guard let otherwise else { return false }
            open.header = .call(name: otherwise, id: id)
            return true
        }
    }

    private func infer(_ open: inout OpenCall, _ id: String?) -> Bool {
        let tools = tools.catalogue
        if let (name, rest) = ArgumentJSON.namedInside(open.arguments, tools) {
            open.header = .call(name: name, id: id)
            open.arguments = rest
            return true
        }
        guard let name = ArgumentJSON.names(in: open.arguments).flatMap(tools.inferred) else { return false }
        open.header = .call(name: name, id: id)
        return true
    }

    /// Counts what a call that begins says about its upstream.
    mutating func noteBegin(_ open: OpenCall, _ name: String, _ id: CallIDs.Claim) {
        if open.source != .structured { notes.add(open.isForeign ? Repair.foreignCalls : .inlineCalls) }
        if open.isRenamed { notes.add(.names) }
        if id.isRepaired { notes.add(.ids) }
        if !tools.catalogue.contains(name) { notes.add(.undeclaredTool) }
    }
}
