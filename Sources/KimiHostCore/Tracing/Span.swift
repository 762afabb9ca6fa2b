/// One span, complete. A value; times are nanoseconds since 1970.
package struct Span: Sendable {
    /// The numbers are OTLP's.
    package enum Kind: Int64, Sendable {
        case server = 2, client = 3
    }

    package enum Value: Sendable, Equatable {
        case text(String), number(Int64), double(Double), flag(Bool), texts([String])
    }

    package struct Attribute: Sendable, Equatable {
        package var key: StaticString
        package var value: Value

        package static func == (a: Attribute, b: Attribute) -> Bool {
            a.key.description == b.key.description && a.value == b.value
        }
    }

    package struct Event: Sendable {
        package var name: StaticString
        package var time: UInt64
    }

    package var context: TraceContext
    /// 0: it is the trace's first.
    package var parent: UInt64 = 0
    /// Whether the parent is another process's.
    package var isParentRemote = false
    package var name: String
    package var kind: Kind
    package var began: UInt64
    package var ended: UInt64
    package var isError = false
    package var attributes: [Attribute] = []
    package var events: [Event] = []

    package init(
        context: TraceContext, parent: UInt64 = 0, isParentRemote: Bool = false, name: String, kind: Kind,
        began: UInt64,
        ended: UInt64
    ) {
        (self.context, self.parent, self.isParentRemote) = (context, parent, isParentRemote)
        (self.name, self.kind, self.began, self.ended) = (name, kind, began, ended)
    }

    mutating func set(_ key: StaticString, _ value: Value) { attributes.append(Attribute(key: key, value: value)) }

    mutating func set(_ key: StaticString, _ text: String) {
        if !text.isEmpty { set(key, .text(String(text.prefix(Self.maxText)))) }
    }

    mutating func set(_ key: StaticString, _ number: Int64?) {
        if let number { set(key, .number(number)) }
    }

    /// Characters of a text.
    private static let maxText = 256
}

/// Why a span was not exported.
package enum SpanDrop: String, Sendable, CaseIterable {
    /// Too many waited already.
    case full
    /// The collector would not have it.
    case refused
    /// The collector could not be reached, or failed, too often.
    case unreachable
    /// The host ended before it got through.
    case ending
}

/// Counters of the exporter; a snapshot.
package struct SpanStats: Sendable, Equatable {
    package var exported = 0
    package var dropped: [SpanDrop: Int] = [:]
    /// Requests that failed; some were made again.
    package var failures = 0
    /// Spans that wait.
    package var queued = 0

    package init() {}
}
