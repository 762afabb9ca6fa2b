/// The members of an object, or none for another kind, in the order of the text.
@frozen
public struct JSONMembers: Sequence, IteratorProtocol {
    @usableFromInline var value: JSONValue
    @usableFromInline let end: Int

    @inlinable
    init(of object: JSONValue) {
        value = object.at(object.index + 1)
        end = object.isObject ? object.next - 1 : object.index + 1
    }

    /// The next member; the key is decoded UTF-8, borrowed from the document.
    @inlinable
    public mutating func next() -> (key: UnsafeRawBufferPointer, value: JSONValue)? {
        guard value.index < end else { return nil }
        let member = value.at(value.index + 1)
        let key = value.uncheckedString
        value = value.at(member.next)
        return (key, member)
    }
}

/// The elements of an array, or none for another kind.
@frozen
public struct JSONElements: Sequence, IteratorProtocol {
    @usableFromInline var value: JSONValue
    @usableFromInline let end: Int

    @inlinable
    init(of array: JSONValue) {
        value = array.at(array.index + 1)
        end = array.isArray ? array.next - 1 : array.index + 1
    }

    /// The next element.
    @inlinable
    public mutating func next() -> JSONValue? {
        guard value.index < end else { return nil }
        let element = value
        value = value.at(element.next)
        return element
    }
}

extension JSONValue {
    /// The members of an object; empty for other kinds.
    @inlinable public var members: JSONMembers { JSONMembers(of: self) }
    /// The elements of an array; empty for other kinds.
    @inlinable public var elements: JSONElements { JSONElements(of: self) }

    /// Calls the closure for each member of an object, in order; not at all for other kinds.
    @inlinable
    public func forEachMember(_ body: (_ key: UnsafeRawBufferPointer, _ value: JSONValue) -> Void) {
        for (key, value) in members { body(key, value) }
    }

    /// Calls the closure for each element of an array; not at all for other kinds.
    @inlinable
    public func forEachElement(_ body: (JSONValue) -> Void) {
        for value in elements { body(value) }
    }

    /// The object's member of that name, the last one if it is there twice; nil if absent or not an object.
    @inlinable
    public subscript(_ key: StaticString) -> JSONValue? {
        guard key.hasPointerRepresentation else { return member(key.description) }
        return find(UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    }

    /// The same for a name that is known only at run time.
    public func member(_ key: String) -> JSONValue? {
        var key = key
        return key.withUTF8 { find(UnsafeRawBufferPointer($0)) }
    }

    /// The element at an index, in linear time; nil if there is none.
    public subscript(index index: Int) -> JSONValue? {
        guard index >= 0 else { return nil }
        var iterator = elements
        for _ in 0..<index where iterator.next() == nil { return nil }
        return iterator.next()
    }

    @inlinable
    func find(_ key: UnsafeRawBufferPointer) -> JSONValue? {
        var found: JSONValue?
        var iterator = members
        while let (name, value) = iterator.next() {
            if equalBytes(name, key) { found = value }
        }
        return found
    }
}

extension UnsafeRawBufferPointer {
    /// Are these the same bytes?
    @inlinable
    public func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool { equalBytes(self, other) }

    /// Are these bytes exactly that text?
    @inlinable @inline(__always)
    public func matches(_ text: StaticString) -> Bool {
        guard text.hasPointerRepresentation else { return elementsEqual(text.description.utf8) }
        return equalBytes(self, UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
