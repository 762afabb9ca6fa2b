/// A value of a ``JSONOutline``: what it is and its very bytes. Free to copy; valid while outline and text are.
@frozen
public struct JSONSpan {
    @usableFromInline let nodes: UnsafePointer<JSONOutline.Node>
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline let index: Int

    @inlinable
    init(nodes: UnsafePointer<JSONOutline.Node>, base: UnsafeRawPointer, index: Int) {
        self.nodes = nodes
        self.base = base
        self.index = index
    }

    @inlinable var node: JSONOutline.Node { nodes[index] }
    @inlinable func at(_ index: Int) -> JSONSpan { JSONSpan(nodes: nodes, base: base, index: index) }

    /// What the value is.
    @inlinable public var kind: JSONKind { node.kind }

    /// The value as it stands in the text, without white space around it.
    @inlinable public var raw: UnsafeRawBufferPointer {
        let node = node
        return UnsafeRawBufferPointer(start: base + Int(node.start), count: Int(node.end - node.start))
    }

    /// A string without its quotes, escapes as they stand in the text; empty for other kinds.
    @inlinable public var inner: UnsafeRawBufferPointer {
        guard kind == .string else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let raw = raw
        return UnsafeRawBufferPointer(rebasing: raw[1..<raw.count - 1])
    }

    /// The UTF-8 of a string, escapes decoded; empty for other kinds.
    public var decoded: [UInt8] {
        node.isEscaped ? unescape(inner) : [UInt8](inner)
    }

    /// A string as a Swift string; nil for other kinds.
    public var string: String? {
        kind == .string ? String(decoding: decoded, as: UTF8.self) : nil
    }

    /// The truth value of a `bool`, otherwise nil.
    public var bool: Bool? {
        kind == .bool ? raw.first == UInt8(ascii: "t") : nil
    }

    /// Is this a string of exactly that text?
    @inlinable
    public func matches(_ text: StaticString) -> Bool {
        guard kind == .string else { return false }
        return node.isEscaped ? decoded.withUnsafeBytes { $0.matches(text) } : inner.matches(text)
    }

    /// The members of an object, in order; none for other kinds. A name that is there twice comes twice.
    @inlinable public var members: JSONSpanMembers { JSONSpanMembers(of: self) }

    /// The elements of an array, in order; none for other kinds.
    @inlinable public var elements: JSONSpanElements { JSONSpanElements(of: self) }

    /// The object's member of that name, the last one if it is there twice; nil if absent or not an object.
    @inlinable
    public subscript(_ name: StaticString) -> JSONSpan? {
        var found: JSONSpan?
        var iterator = members
        while let (key, value) = iterator.next() {
            if key.matches(name) { found = value }
        }
        return found
    }
}

/// The members of an object.
@frozen
public struct JSONSpanMembers: Sequence, IteratorProtocol {
    @usableFromInline var rest: JSONSpan
    @usableFromInline let end: Int

    @inlinable
    init(of span: JSONSpan) {
        rest = span.at(span.index + 1)
        end = span.kind == .object ? Int(span.node.next) : 0
    }

    /// The next member; the key is a string.
    @inlinable
    public mutating func next() -> (key: JSONSpan, value: JSONSpan)? {
        guard rest.index < end else { return nil }
        let key = rest
        let value = key.at(key.index + 1)
        rest = value.at(Int(value.node.next))
        return (key, value)
    }
}

/// The elements of an array.
@frozen
public struct JSONSpanElements: Sequence, IteratorProtocol {
    @usableFromInline var rest: JSONSpan
    @usableFromInline let end: Int

    @inlinable
    init(of span: JSONSpan) {
        rest = span.at(span.index + 1)
        end = span.kind == .array ? Int(span.node.next) : 0
    }

    /// No elements, whatever `span` is: the place of an array that is missing.
    @inlinable
    public init(none span: JSONSpan) {
        rest = span
        end = 0
    }

    /// The next element.
    @inlinable
    public mutating func next() -> JSONSpan? {
        guard rest.index < end else { return nil }
        let element = rest
        rest = element.at(Int(element.node.next))
        return element
    }
}
