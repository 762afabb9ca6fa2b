import CanonicalModel
import WireJSON

/// Where in a request a value stands: `input[3].content[0]`. Made into text only for errors and dropped fields.
struct Place {
    var root: StaticString = ""
    var index = -1
    var list: StaticString = ""
    var part = -1
    /// The path of the object that the root is a member of; for objects in objects, which are few.
    var parent = ""

    func inside(_ list: StaticString, _ part: Int) -> Place {
        Place(root: root, index: index, list: list, part: part, parent: parent)
    }

    /// The path of a member, or of the place itself.
    func path(_ name: StaticString = "") -> String {
        var path = parent + "\(root)"
        if index >= 0 { path += "[\(index)]" }
        if part >= 0 { path += ".\(list)[\(part)]" }
        guard name.utf8CodeUnitCount > 0 else { return path }
        return path.isEmpty ? "\(name)" : "\(path).\(name)"
    }
}

extension ExchangeError {
    static func wrong(_ path: String, _ wanted: String, _ kind: JSONKind) -> ExchangeError {
        .badRequest("'\(path)' must be \(wanted), it is \(kind.article)", param: path)
    }
}

/// Members of one object, checked; null counts as absent.
struct Fields {
    let object: JSONSpan
    let place: Place

    /// - Throws: when `object` is none.
    init(_ object: JSONSpan, _ place: Place) throws(ExchangeError) {
        guard object.kind == .object else { throw .wrong(place.path(), "an object", object.kind) }
        self.object = object
        self.place = place
    }

    func value(_ name: StaticString) -> JSONSpan? {
        guard let value = object[name], value.kind != .null else { return nil }
        return value
    }

    func value(
        _ name: StaticString, _ kind: JSONKind, _ wanted: String
    ) throws(ExchangeError) -> JSONSpan? {
        guard let value = value(name) else { return nil }
        guard value.kind == kind else { throw .wrong(place.path(name), wanted, value.kind) }
        return value
    }

    func string(_ name: StaticString) throws(ExchangeError) -> JSONSpan? { try value(name, .string, "a string") }
    func array(_ name: StaticString) throws(ExchangeError) -> JSONSpan? { try value(name, .array, "an array") }
    func bool(_ name: StaticString) throws(ExchangeError) -> Bool? {
        try value(name, .bool, "true or false")?.bool
    }

    func object(_ name: StaticString) throws(ExchangeError) -> Fields? {
        guard let value = value(name) else { return nil }
        guard value.kind == .object else { throw .wrong(place.path(name), "an object", value.kind) }
        return Fields(known: value, Place(parent: place.path(name)))
    }

    func number(_ name: StaticString) throws(ExchangeError) -> JSONSpan? {
        guard let value = value(name) else { return nil }
        guard value.isNumber else { throw .wrong(place.path(name), "a number", value.kind) }
        return value
    }

    func integer(_ name: StaticString) throws(ExchangeError) -> JSONSpan? {
        guard let value = value(name) else { return nil }
        guard value.kind == .int || value.kind == .uint else {
            throw .wrong(place.path(name), "a whole number", value.kind)
        }
        return value
    }

    func required(_ name: StaticString) throws(ExchangeError) -> JSONSpan {
        guard let value = value(name) else { throw missing(name, "a string") }
        guard value.kind == .string else { throw .wrong(place.path(name), "a string", value.kind) }
        return value
    }

    func missing(_ name: StaticString, _ wanted: String) -> ExchangeError {
        .badRequest("'\(place.path(name))' is missing: it must be \(wanted)", param: place.path(name))
    }

    private init(known object: JSONSpan, _ place: Place) {
        self.object = object
        self.place = place
    }
}

extension JSONSpan {
    /// No elements: what a missing array has.
    var empty: JSONSpanElements { JSONSpanElements(none: self) }

    var isNumber: Bool { kind == .int || kind == .uint || kind == .double }
}

extension ByteWriter {
    /// A value as it stands in the text it was read from, line breaks between its tokens included.
    func append(_ span: JSONSpan) { append(bytes: span.raw) }

    /// A value on one line, for server-sent events.
    func append(onOneLine span: JSONSpan) { append(json: span.raw) }
}
