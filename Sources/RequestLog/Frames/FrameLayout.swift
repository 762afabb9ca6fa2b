import LogModel

/// The order of the members in a frame. Another order is another `Frame.magic`.
extension ExchangeRecord {
    mutating func code<Coder: FrameCoder>(with coder: inout Coder) throws(FrameError) {
        try coder.code(&id)
        try coder.code(&began)
        try coder.code(&duration)
        try coder.code(&firstByte)
        try coder.code(&firstToken)
        try coder.code(&overhead)
        try coder.code(&client)
        try coder.code(&dialect)
        try coder.code(&profile)
        try coder.code(&model)
        try coder.code(&provider)
        try coder.code(&upstreamModel)
        try coder.code(&isStream)
        try coder.code(&isNative)
        try codeOutcome(&coder)
        try coder.code(&status)
        try coder.code(&failure)
        try codeUsage(&coder)
        try coder.code(&finish)
        try codeLists(&coder)
        try coder.code(&request)
        try coder.code(&reply)
        try coder.list(&attempts, blank: AttemptRecord(number: 0, provider: "", upstreamModel: "", began: 0)) {
            attempt, coder throws(FrameError) in try attempt.code(with: &coder)
        }
    }

    private mutating func codeOutcome<Coder: FrameCoder>(_ coder: inout Coder) throws(FrameError) {
        let all = Outcome.allCases
        var place = all.firstIndex(of: outcome) ?? 0
        try coder.code(&place)
        guard all.indices.contains(place) else { throw FrameError(reason: "no outcome has the number \(place)") }
        outcome = all[place]
    }

    private mutating func codeUsage<Coder: FrameCoder>(_ coder: inout Coder) throws(FrameError) {
        try coder.code(&usage.input)
        try coder.code(&usage.output)
        try coder.code(&usage.cacheRead)
        try coder.code(&usage.cacheWrite)
        try coder.code(&usage.reasoning)
        try coder.code(&usage.cost)
        try coder.code(&usage.isPriced)
    }

    private mutating func codeLists<Coder: FrameCoder>(_ coder: inout Coder) throws(FrameError) {
        try coder.list(&plugins, blank: Plugin(name: "", id: "", version: "", sha256: "")) {
            plugin, coder throws(FrameError) in
            try coder.code(&plugin.name)
            try coder.code(&plugin.id)
            try coder.code(&plugin.version)
            try coder.code(&plugin.sha256)
        }
        try coder.list(&notes, blank: Note(plugin: "", kind: "", count: 0, details: [])) {
            note, coder throws(FrameError) in
            try coder.code(&note.plugin)
            try coder.code(&note.kind)
            try coder.code(&note.count)
            try coder.list(&note.details)
        }
        try coder.list(&dropped, blank: Dropped(path: "", reason: "")) { dropped, coder throws(FrameError) in
            try coder.code(&dropped.path)
            try coder.code(&dropped.reason)
        }
    }
}

extension AttemptRecord {
    mutating func code<Coder: FrameCoder>(with coder: inout Coder) throws(FrameError) {
        try coder.code(&number)
        try coder.code(&provider)
        try coder.code(&upstreamModel)
        try coder.code(&began)
        try coder.code(&method)
        try coder.code(&url)
        try coder.list(&headers, blank: Header(name: "", value: "")) { header, coder throws(FrameError) in
            try coder.code(&header.name)
            try coder.code(&header.value)
        }
        try coder.code(&status)
        try coder.code(&head)
        try coder.code(&end)
        try coder.code(&broke)
        try coder.code(&failure)
        try coder.code(&rejected)
        try coder.code(&request)
        try coder.code(&reply)
        try coder.list(&arrivals, blank: Arrival(milliseconds: 0, count: 0)) { arrival, coder throws(FrameError) in
            try coder.code(&arrival.milliseconds)
            try coder.code(&arrival.count)
        }
        try coder.code(&isNative)
        try coder.code(&isStream)
        try coder.list(&changes, blank: Change(plugin: "", isWhole: false, body: RecordedBody())) {
            change, coder throws(FrameError) in
            try coder.code(&change.plugin)
            try coder.code(&change.isWhole)
            try coder.code(&change.body)
        }
        try coder.code(&answer)
    }
}
