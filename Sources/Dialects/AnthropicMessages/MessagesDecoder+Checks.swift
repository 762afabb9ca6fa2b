import CanonicalModel
import WireJSON

/// Reading members, and errors that name the path of what is wrong.
extension MessagesDecoder {
    func wrong(_ value: JSONSpan, _ wanted: String) -> ExchangeError {
        problem(value, "must be \(wanted), it is \(value.kind.article)")
    }

    func problem(_ value: JSONSpan, _ sentence: String) -> ExchangeError {
        let path = root.path(to: value)
        return .badRequest("\(path): \(sentence)", param: path)
    }

    func missing(_ name: StaticString, of object: JSONSpan) -> ExchangeError {
        let parent = root.path(to: object)
        let path = parent.isEmpty ? "\(name)" : "\(parent).\(name)"
        return .badRequest("\(path): is missing", param: path)
    }

    func object(_ value: JSONSpan) throws(ExchangeError) {
        guard value.kind == .object else { throw wrong(value, "an object") }
    }

    func array(_ value: JSONSpan) throws(ExchangeError) {
        guard value.kind == .array else { throw wrong(value, "an array") }
    }

    /// A member that must be there.
    func member(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan {
        guard let value = object[name] else { throw missing(name, of: object) }
        return value
    }

    func string(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan {
        let value = try member(name, of: object)
        guard value.kind == .string else { throw wrong(value, "a string") }
        return value
    }

    /// A member that may be absent or null.
    func optionalString(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard let value = object.some(name) else { return nil }
        guard value.kind == .string else { throw wrong(value, "a string") }
        return value
    }

    func optionalBool(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> Bool? {
        guard let value = object.some(name) else { return nil }
        guard let bool = value.bool else { throw wrong(value, "true or false") }
        return bool
    }

    func optionalNumber(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard let value = object.some(name) else { return nil }
        guard [.int, .uint, .double].contains(value.kind) else { throw wrong(value, "a number") }
        return value
    }

    /// A whole number that is not negative.
    func optionalCount(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard let value = try optionalNumber(name, of: object) else { return nil }
        guard value.kind != .double, value.raw.first != UInt8(ascii: "-") else {
            throw problem(value, "must be a whole number of 0 or more, it is \(value.text)")
        }
        return value
    }

    func optionalObject(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard let value = object.some(name) else { return nil }
        try self.object(value)
        return value
    }

    func optionalArray(_ name: StaticString, of object: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard let value = object.some(name) else { return nil }
        try array(value)
        return value
    }

    /// Lists the members of an object that are not in `known`, under a path pattern such as `tools[*]`. A null says
    /// nothing, so it is not missed.
    mutating func dropUnknown(_ object: JSONSpan, _ pattern: StaticString, known: [StaticString]) {
        for (key, value) in object.members where value.kind != .null && !dropped.isFull {
            guard !known.contains(where: { key.matches($0) }) else { continue }
            dropped.add("\(pattern).\(key.string ?? "")", "has no equivalent in the canonical request")
        }
    }
}

/// Writing members. Each is preceded by a comma: every object here begins with a member of its own.
extension MessagesDecoder {
    func write(_ name: StaticString, _ value: JSONSpan?) {
        guard let value else { return }
        write(name)
        out.append(bytes: value.raw)
    }

    func write(_ name: StaticString) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
    }

    /// `cache_control` rides along on whatever has it.
    func cacheControl(_ object: JSONSpan) throws(ExchangeError) {
        write("cache_control", try optionalObject("cache_control", of: object))
    }
}

extension JSONSpan {
    /// The member, unless it is absent or null.
    func some(_ name: StaticString) -> JSONSpan? {
        guard let value = self[name], value.kind != .null else { return nil }
        return value
    }

    var hasElements: Bool {
        var elements = elements
        return elements.next() != nil
    }

    /// The value as it stands in the request, on one line, cut: for messages.
    var text: String { LogText.oneLine(String(decoding: raw.prefix(80), as: UTF8.self)) }
}
