/// Why a text is not the JSON that was expected.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of trouble; the set may grow.
    public enum Code: Sendable, Equatable {
        case tooLong, tooDeep, noMemory, empty, badString, badUTF8, badNumber, badLiteral, badStructure, notAnObject
        case notAnArray
    }

    /// What kind of trouble it is.
    public let code: Code
    /// One sentence for a person, without the text itself.
    public let message: String
    /// Where in the text, in bytes from its start, if that is known.
    public let offset: Int?

    /// An error with its sentence.
    public init(_ code: Code, _ message: String, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    /// The sentence.
    public var description: String { message }
}
