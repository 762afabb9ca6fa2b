/// What a JSON value is. `int` fits Int64, `uint` only UInt64; every other number is a `double`.
public enum JSONKind: UInt8, Sendable {
    case null, bool, int, uint, double, string, array, object
}

/// A value of a parsed document: a position in it, 24 bytes, free to copy.
///
/// Valid as long as the document is, see ``JSONParser``. Reading needs no allocation except for ``string``.
public struct JSONValue {
    // simdjson's tape, see csimdjson.h for its layout.
    let tape: UnsafePointer<UInt64>
    let strings: UnsafePointer<UInt8>
    let index: Int

    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
        self.tape = tape
        self.strings = strings
        self.index = index
    }

    var tag: UInt8 { UInt8(truncatingIfNeeded: tape[index] >> 56) }

    /// The index after this value.
    var next: Int {
        switch tag {
        case TapeTag.object, TapeTag.array: Int(UInt32(truncatingIfNeeded: tape[index]))
        case TapeTag.int, TapeTag.uint, TapeTag.double: index + 2
        default: index + 1
        }
    }

    func at(_ index: Int) -> JSONValue { JSONValue(tape: tape, strings: strings, index: index) }

    /// What this value is.
    public var kind: JSONKind {
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

    public var isNull: Bool { tag == TapeTag.null }
    public var isObject: Bool { tag == TapeTag.object }
    public var isArray: Bool { tag == TapeTag.array }
    public var isString: Bool { tag == TapeTag.string }

    /// The truth value of a `bool`, otherwise nil.
    public var bool: Bool? {
        switch tag {
        case TapeTag.yes: true
        case TapeTag.no: false
        default: nil
        }
    }

    /// A number that is a whole one within Int64 (also `12.0`), otherwise nil.
    public var int: Int64? {
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
    public var double: Double? {
        switch tag {
        case TapeTag.double: Double(bitPattern: tape[index + 1])
        case TapeTag.int: Double(Int64(bitPattern: tape[index + 1]))
        case TapeTag.uint: Double(tape[index + 1])
        default: nil
        }
    }

    /// The decoded UTF-8 of a string, borrowed from the document; nil for other kinds.
    public var stringBytes: UnsafeRawBufferPointer? {
        tag == TapeTag.string ? uncheckedString : nil
    }

    var uncheckedString: UnsafeRawBufferPointer {
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
        if isArray { forEachElement { _ in count += 1 } } else { forEachMember { _, _ in count += 1 } }
        return count
    }
}

/// The first bytes of simdjson's tape words.
enum TapeTag {
    static let object = UInt8(ascii: "{")
    static let array = UInt8(ascii: "[")
    static let string = UInt8(ascii: "\"")
    static let int = UInt8(ascii: "l")
    static let uint = UInt8(ascii: "u")
    static let double = UInt8(ascii: "d")
    static let yes = UInt8(ascii: "t")
    static let no = UInt8(ascii: "f")
    static let null = UInt8(ascii: "n")
    static let payload: UInt64 = 0x00FF_FFFF_FFFF_FFFF
}
