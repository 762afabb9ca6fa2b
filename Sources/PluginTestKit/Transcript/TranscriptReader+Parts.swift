import JSONSchema
import PluginABI

extension TranscriptReader {
    func wrong(_ node: ConfigNode, _ message: String) -> TranscriptProblem {
        TranscriptProblem(file: file, mark: node.mark, message: message)
    }

    /// An object with none but these members.
    func check(_ node: ConfigNode, _ members: [String], _ what: String) throws(TranscriptProblem) {
        guard let object = node.object else { throw wrong(node, "\(what) must be an object, it is \(node.kindName)") }
        for member in object.members where !members.contains(member.key) {
            throw TranscriptProblem(
                file: file, mark: member.keyMark ?? node.mark,
                message: "\(what) has the unknown member '\(member.key)'; known are \(members.joined(separator: ", "))")
        }
    }

    func text(_ node: ConfigNode, _ name: String) throws(TranscriptProblem) -> String? {
        guard let value = node[name] else { return nil }
        guard let text = value.string else { throw wrong(value, "'\(name)' must be a string, it is \(value.kindName)") }
        return text
    }

    func flag(_ node: ConfigNode, _ name: String) throws(TranscriptProblem) -> Bool? {
        guard let value = node[name] else { return nil }
        guard let flag = value.bool else { throw wrong(value, "'\(name)' must be true or false") }
        return flag
    }

    func number(_ node: ConfigNode, _ name: String) throws(TranscriptProblem) -> UInt64? {
        guard let value = node[name] else { return nil }
        guard let number = value.int, number >= 0 else { throw wrong(value, "'\(name)' must be a whole number") }
        return UInt64(number)
    }

    func list(_ node: ConfigNode, _ name: String) throws(TranscriptProblem) -> [ConfigNode] {
        guard let value = node[name] else { return [] }
        guard let list = value.array else { throw wrong(value, "'\(name)' must be a list, it is \(value.kindName)") }
        return list
    }

    func pairs(_ node: ConfigNode, _ name: String) throws(TranscriptProblem) -> [(name: String, value: String)]? {
        guard let value = node[name] else { return nil }
        guard let object = value.object else { throw wrong(value, "'\(name)' must be an object of strings") }
        var pairs: [(name: String, value: String)] = []
        for member in object.members {
            let values = member.value.array ?? [member.value]
            for value in values {
                guard let text = value.string else { throw wrong(value, "header '\(member.key)' must be a string") }
                pairs.append((member.key, text))
            }
        }
        return pairs
    }

    // MARK: events

    /// One item of a list of events; `tool` stands for a whole call.
    func events(_ node: ConfigNode) throws(TranscriptProblem) -> [EventPattern] {
        guard let object = node.object, object.members.count == 1, let member = object.members.first else {
            throw wrong(node, "an event has one member, its type: \(Event.allWords)")
        }
        if member.key == "tool" { return try tool(member.value) }
        guard let kind = Event.type(of: member.key) else {
            throw wrong(node, "there is no event '\(member.key)'; write one of \(Event.allWords)")
        }
        return [try event(kind, member.value, node.mark)]
    }

    private func event(
        _ kind: kimi_event_type, _ written: ConfigNode, _ mark: Mark?
    ) throws(TranscriptProblem) -> EventPattern {
        var body = written
        if written.object == nil {
            guard let main = Event.mainMember(of: kind) else {
                throw wrong(written, "the members of this event must be written as an object")
            }
            body = ConfigNode(.object(ConfigObject([.init(key: main, value: written)])), mark: written.mark)
        }
        var pattern = EventPattern(event: Event(kind), members: [], mark: mark)
        if kind == KIMI_EVENT_USAGE {
            (pattern.event.i0, pattern.event.i1, pattern.event.i2, pattern.event.i3) = (-1, -1, -1, -1)
        } else if kind == KIMI_EVENT_ERROR {
            pattern.event.i2 = -1
        }
        let places = Event.members(of: kind)
        try check(body, ["choice", "index"] + places.map(\.name), "the event")
        for member in body.object?.members ?? [] {
            pattern.members.append(member.key)
            if member.key == "choice" {
                pattern.event.choice = UInt32(clamping: try number(body, "choice") ?? 0)
            } else if member.key == "index" {
                pattern.event.index = UInt32(clamping: try number(body, "index") ?? 0)
            } else if let place = places.first(where: { $0.name == member.key })?.place,
                let wanted = place.set(member.value, in: &pattern.event)
            {
                throw wrong(member.value, "'\(member.key)' must be \(wanted)")
            }
        }
        return pattern
    }

    private func tool(_ body: ConfigNode) throws(TranscriptProblem) -> [EventPattern] {
        try check(body, ["choice", "index", "id", "name", "args"], "the event 'tool'")
        var begin = ConfigObject()
        var common = ConfigObject()
        for name in ["choice", "index"] { common[name] = body[name] }
        if common["index"] == nil { common["index"] = ConfigNode(.int(0)) }
        begin.members = common.members
        for name in ["id", "name"] { begin[name] = body[name] }
        var events = [try event(KIMI_EVENT_TOOL_BEGIN, ConfigNode(.object(begin), mark: body.mark), body.mark)]
        if let args = body["args"], args.string?.isEmpty != true {
            var object = common
            object["json"] = args
            events.append(try event(KIMI_EVENT_TOOL_ARGS, ConfigNode(.object(object), mark: args.mark), args.mark))
        }
        events.append(try event(KIMI_EVENT_TOOL_END, ConfigNode(.object(common), mark: body.mark), body.mark))
        return events
    }
}
