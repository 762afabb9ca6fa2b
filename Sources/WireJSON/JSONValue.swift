/// What a JSON value is. `int` fits Int64, `uint` only UInt64; every other number is a `double`.
@frozen
public enum JSONKind: UInt8, Sendable {
    case null, bool, int, uint, double, string, array, object
}

/// A value of a parsed document: a position in it, 24 bytes, free to copy.
///
/// Valid as long as the document is, see ``JSONParser``. Reading needs no allocation except for ``string``.
@frozen
public struct JSONValue {
    // simdjson's tape, see csimdjson.h for its layout. Reading it is inlinable: through calls, an event of a
    // stream took twice the time.
    @usableFromInline let tape: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let index: Int

    @inlinable
    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
        self.tape = tape
        self.strings = strings
        self.index = index
    }

    @inlinable var tag: UInt8 { UInt8(truncatingIfNeeded: tape[index] >> 56) }

    /// The index after this value.
    @inlinable var next: Int {
        switch tag {
        case TapeTag.object, TapeTag.array: Int(UInt32(truncatingIfNeeded: tape[index]))
        case TapeTag.int, TapeTag.uint, TapeTag.double: index + 2
        default: index + 1
        }
    }

    @inlinable func at(_ index: Int) -> JSONValue { JSONValue(tape: tape, strings: strings, index: index) }

    /// What this value is.
    @inlinable public var kind: JSONKind {
        switch tag {
        case TapeTag.object: .object
        case TapeTag.array: .array
        case TapeTag.string: .string
        case TapeTag.int: .int
        case TapeTag.uint: .uint
        case TapeTag.double: .double
        case TapeTag.yes, TapeTag.no: .bool
        default: .null
        }
    }

    /// Is this `null`?
    @inlinable public var isNull: Bool { tag == TapeTag.null }
    /// Is this an object?
    @inlinable public var isObject: Bool { tag == TapeTag.object }
    /// Is this an array?
    @inlinable public var isArray: Bool { tag == TapeTag.array }
    /// Is this a string?
    @inlinable public var isString: Bool { tag == TapeTag.string }

    /// The truth value of a `bool`, otherwise nil.
    @inlinable public var bool: Bool? {
        switch tag {
        case TapeTag.yes: true
        case TapeTag.no: false
        default: nil
        }
    }

    /// A number that is a whole one within Int64 (also `12.0`), otherwise nil.
    @inlinable public var int: Int64? {
        switch tag {
        case TapeTag.int: Int64(bitPattern: tape[index + 1])
        case TapeTag.double: Int64(exactly: Double(bitPattern: tape[index + 1]))
        default: nil
        }
    }

    /// A whole number within UInt64, otherwise nil.
    public var uint: UInt64? {
        tag == TapeTag.uint ? tape[index + 1] : int.flatMap { UInt64(exactly: $0) }
    }

    /// Any number, rounded to a double, otherwise nil.
    @inlinable public var double: Double? {
        switch tag {
        case TapeTag.double: Double(bitPattern: tape[index + 1])
        case TapeTag.int: Double(Int64(bitPattern: tape[index + 1]))
        case TapeTag.uint: Double(tape[index + 1])
        default: nil
        }
    }

    /// The decoded UTF-8 of a string, borrowed from the document; nil for other kinds.
    @inlinable public var stringBytes: UnsafeRawBufferPointer? {
        tag == TapeTag.string ? uncheckedString : nil
    }

    @inlinable var uncheckedString: UnsafeRawBufferPointer {
        let start = UnsafeRawPointer(strings) + Int(tape[index] & TapeTag.payload)
        let length = start.loadUnaligned(as: UInt32.self)
        return UnsafeRawBufferPointer(start: start + 4, count: Int(length))
    }

    /// A string as a Swift string, a copy; nil for other kinds.
    public var string: String? {
        stringBytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// How many elements an array or members an object has; 0 for other kinds.
    public var elementCount: Int {
        guard tag == TapeTag.array || tag == TapeTag.object else { return 0 }
        let stored = Int(tape[index] >> 32 & 0xFF_FFFF)
        guard stored == 0xFF_FFFF else { return stored }
        var count = 0
        /// Is this an array?
        if isArray { forEachElement { _ in count += 1 } } else { forEachMember { _, _ in count += 1 } }
        return count
    }
}

/// The first bytes of simdjson's tape words.
@usableFromInline
enum TapeTag {
    @inlinable static var object: UInt8 { UInt8(ascii: "{") }
    @inlinable static var array: UInt8 { UInt8(ascii: "[") }
    @inlinable static var string: UInt8 { UInt8(ascii: "\"") }
    @inlinable static var int: UInt8 { UInt8(ascii: "l") }
    @inlinable static var uint: UInt8 { UInt8(ascii: "u") }
    @inlinable static var double: UInt8 { UInt8(ascii: "d") }
    @inlinable static var yes: UInt8 { UInt8(ascii: "t") }
    @inlinable static var no: UInt8 { UInt8(ascii: "f") }
    @inlinable static var null: UInt8 { UInt8(ascii: "n") }
    @inlinable static var payload: UInt64 { 0x00FF_FFFF_FFFF_FFFF }
}
