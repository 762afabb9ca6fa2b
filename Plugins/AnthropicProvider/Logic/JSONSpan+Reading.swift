internal import WireJSON

extension JSONSpan {
    /// The member, unless it is null.
    func some(_ name: StaticString) -> JSONSpan? {
        self[name].flatMap { $0.kind == .null ? nil : $0 }
    }

    /// The member, if it is a string with something in it.
    func text(_ name: StaticString) -> JSONSpan? {
        self[name].flatMap { $0.kind == .string && !$0.inner.isEmpty ? $0 : nil }
    }

    /// A whole number within Int64, also written as 12.0 or 1e3.
    var integer: Int64? {
        guard kind == .int || kind == .uint || kind == .double else { return nil }
        let text = String(decoding: raw, as: UTF8.self)
        return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
    }

    /// Any number.
    var number: Double? {
        guard kind == .int || kind == .uint || kind == .double else { return nil }
        return Double(String(decoding: raw, as: UTF8.self))
    }

    /// False for what is no list; true for one without elements.
    var isEmptyList: Bool { kind == .array && elements.allSatisfy { _ in false } }

    /// Does this say nothing: null, false, 0, "", [] or {}?
    var saysNothing: Bool {
        switch kind {
        case .null: true
        case .bool: bool == false
        case .int, .uint, .double: number == 0
        case .string: inner.isEmpty
        case .array: isEmptyList
        case .object: members.allSatisfy { _ in false }
        }
    }
}
