import WireJSON

/// Ids of calls and results: `functions.NAME:INDEX`, counted over the whole conversation.
extension Upward {
    // MARK: - Calls

    mutating func number(_ message: HistoryMessage) {
        for at in message.calls { number(history.calls[at]) }
    }

    private mutating func number(_ call: HistoryCall) {
        let name = call.name.flatMap(realName)
        let id = call.id.flatMap(idText)
        if let id { conversation.usedIDs.insert(String(decoding: id, as: UTF8.self)) }
        let number = register.add(
            name: name.flatMap { withName($0, Hash128.init) }, shown: isText(call.id) ? shownIndex(id, name) : nil,
            key: id.map(key))
        callNames.append(name.map { .inRequest($0) })
        guard let name, isOn(.historyIDs) else { return }
        repairName(call, name)
        guard !isCanonical(id, number) || call.id.map(text.isString) == false else { return }
        noteID(number)
        let new = jsonID(number)
        if let old = call.id {
            edits.replace(old.range) { $0.append(bytes: new) }
        } else {
            edits.replace(call.start..<call.start) { $0.append(bytes: Array("\"id\":".utf8) + new + [0x2C]) }
        }
    }

    /// We send ids as texts, so one that is a number in JSON was made by somebody else.
    private func isText(_ id: Span?) -> Bool { id.map(text.isString) ?? false }

    /// The model's own number in an id.
    private func shownIndex(_ id: [UInt8]?, _ name: Span?) -> Int? {
        guard let id, let name else { return nil }
        return withName(name) { name in id.withUnsafeBytes { NativeIndex.shown(in: $0, name: name) } } ?? nil
    }

    private mutating func repairName(_ call: HistoryCall, _ name: Span) {
        guard let old = call.name, old.range != name.range else { return }
        let shown = UpwardCounts.shown(json.slice(old.inner))
        counts.add(.historyIDs, "the name \(shown) became \(UpwardCounts.shown(json.slice(name.inner)))")
        edits.replace(old.inner) { [json] in $0.append(bytes: json.slice(name.inner)) }
    }

    /// The calls that were found in a message's text.
    mutating func numberRebuilt(_ own: RebuiltMessage) {
        for call in own.calls {
            let shown = call.name.withUnsafeBytes { name in
                call.id.withUnsafeBytes { NativeIndex.shown(in: $0, name: name) }
            }
            let name = call.name.withUnsafeBytes { Hash128($0) }
            _ = register.add(name: name, shown: shown, keys: call.spellings.map(key))
            callNames.append(.found(call.name))
        }
    }

    // MARK: - Results

    /// Gives the results of `range`, a run of tool messages, the ids of the calls they answer: by id where that is
    /// known, then by what the id or a name says, then by position. What is sure goes first.
    mutating func match(_ range: Range<Int>) {
        guard isOn(.historyIDs) else { return }
        var rest = Array(range)
        for search in [Search.id, .spelling, .name, .position] where !rest.isEmpty {
            var unknown: [Int] = []
            for at in rest {
                if let call = find(search, history.messages[at]) {
                    answer(at, call)
                } else {
                    unknown.append(at)
                }
            }
            rest = unknown
        }
        for at in rest { counts.add(.orphanResult, "message \(at) is a tool result without a call") }
    }

    private mutating func answer(_ at: Int, _ number: Int) {
        guard register.calls[number].index != nil else { return }
        let message = history.messages[at]
        let isRight = message.toolCallID.map { text.isString($0) && isCanonical(idText($0), number) } ?? false
        if isRight { return }
        noteID(number)
        let new = jsonID(number)
        if let old = message.toolCallID {
            edits.replace(old.range) { $0.append(bytes: new) }
        } else {
            insert(message, "tool_call_id") { $0.append(bytes: new) }
        }
    }

    // MARK: - Searching

    private enum Search {
        case id, spelling, name, position
    }

    private mutating func find(_ search: Search, _ message: HistoryMessage) -> Int? {
        switch search {
        case .id: message.toolCallID.flatMap(idText).map(key).flatMap { register.answer(id: $0) }
        case .spelling: spelled(message)
        case .name:
            message.name.flatMap { text.withText($0, Hash128.init) }.flatMap { register.answer(name: $0) }
        case .position: register.answerNext()
        }
    }

    /// By an id that spells the call's number in another way than the call's own id does.
    private mutating func spelled(_ message: HistoryMessage) -> Int? {
        guard let id = message.toolCallID.flatMap(idText),
            let index = id.withUnsafeBytes(NativeIndex.last), let call = register.unanswered(index: index),
            case .inRequest(let name)? = callNames[call], shownIndex(id, name) == index
        else { return nil }
        register.settle(call)
        return call
    }

    // MARK: - Names

    /// The name of a call without what belongs to the id: of `functions.x:0` the `x`, unless a tool is called just so.
    private func realName(_ span: Span) -> Span? {
        guard text.isString(span), text.withText(span, { $0.isEmpty }) == false else { return nil }
        let raw = json.slice(span.inner)
        guard !span.isEscaped, raw.starts(with: "functions.".utf8),
            !tools.catalogue.contains(String(decoding: raw, as: UTF8.self))
        else { return span }
        var end = raw.count
        if let colon = raw.lastIndex(of: UInt8(ascii: ":")), raw.slice(colon + 1..<end).allSatisfy(isDigit) {
            end = colon
        }
        guard end > 10 else { return span }
        return Span(range: span.range.lowerBound + 10..<span.inner.lowerBound + end + 1)
    }

    /// A name of `realName`, whose quotes may be gone.
    private func withName<Result>(_ span: Span, _ body: (Bytes) -> Result) -> Result? {
        span.isEscaped ? text.withText(span, body) : body(json.slice(span.inner))
    }

    /// A call's id as JSON.
    func jsonID(_ number: Int) -> [UInt8] {
        let writer = ByteWriter(capacity: 64)
        writer.append("\"functions.")
        switch callNames[number] {
        case .inRequest(let span): writer.append(bytes: json.slice(span.inner))
        case .found(let name): name.withUnsafeBytes { writer.appendJSONEscaped($0) }
        case nil: break
        }
        writer.append(":")
        writer.append(int: Int64(register.calls[number].index ?? 0))
        writer.append("\"")
        return writer.bytes
    }

    private mutating func noteID(_ number: Int) {
        let shown = counts.has(.historyIDs) ? "" : UpwardCounts.shown(jsonID(number).dropFirst().dropLast())
        counts.add(.historyIDs, "ids of calls and results became \(shown) and so on")
    }

    private func isCanonical(_ id: [UInt8]?, _ number: Int) -> Bool {
        guard let id, let index = register.calls[number].index, let name = callNames[number] else { return false }
        let compare = { (name: Bytes) in
            id.withUnsafeBytes { NativeIndex.isCanonical($0, name: name, index: index) }
        }
        switch name {
        case .inRequest(let span): return withName(span, compare) ?? false
        case .found(let name): return name.withUnsafeBytes(compare)
        }
    }

    /// An id as text, a number's digits too; nil if it is empty or nothing that can be an id.
    private func idText(_ span: Span) -> [UInt8]? {
        if text.isString(span) { return text.text(span).flatMap { $0.trimmed.isEmpty ? nil : $0 } }
        let first = json[span.range.lowerBound]
        return isDigit(first) || first == UInt8(ascii: "-") ? Array(json.slice(span.range)) : nil
    }

    private func key(_ id: [UInt8]) -> Hash128 { id.withUnsafeBytes { Hash128($0) } }
}

/// The name of a numbered call.
enum CallName {
    /// A string in the request.
    case inRequest(Span)
    /// Found in a text, decoded.
    case found([UInt8])
}
