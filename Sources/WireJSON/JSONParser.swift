internal import CSimdJSON

/// Parses JSON text into values that are read in place.
///
/// Reusable, for one thread at a time. The text is copied into the parser's own buffer; every ``JSONValue``
/// of a document, and every byte slice taken from one, is valid until the next `parse` on the same parser or
/// its release. A buffer longer than 4 MB is given back when a short document follows.
///
/// Two things that simdjson refuses are read as JavaScript reads them: half of an escaped surrogate pair is
/// U+FFFD, and an integer beyond 64 bits is a double.
public final class JSONParser {
    private let handle: OpaquePointer?
    private let maxBytes: Int
    private let maxDepth: Int

    /// - Parameters:
    ///   - maxBytes: the longest text that is accepted; up to 4 GB.
    ///   - maxDepth: how deep arrays and objects may be nested.
    public init(maxBytes: Int = 64 << 20, maxDepth: Int = 512) {
        self.maxBytes = max(1, maxBytes)
        self.maxDepth = max(1, maxDepth)
        self.handle = csj_parser_create(self.maxBytes, self.maxDepth)
    }

    deinit {
        csj_parser_destroy(handle)
    }

    /// Validates the whole text (RFC 8259 and UTF-8) and returns its value.
    public func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        guard let handle else { throw JSONError(.noMemory, "There is no memory for a JSON parser.") }
        var document = csj_document(tape: nil, strings: nil)
        let code = csj_parse(handle, bytes.baseAddress, bytes.count, &document)
        guard code == 0, let tape = document.tape, let strings = document.strings else {
            throw error(code, count: bytes.count)
        }
        return JSONValue(tape: tape, strings: strings, index: 1)
    }

    /// The same for an array of bytes.
    public func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { buffer in
            do throws(JSONError) {
                return .success(try parse(buffer))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func error(_ code: Int32, count: Int) -> JSONError {
        switch UInt32(bitPattern: code) {
        case CSJ_TOO_LONG.rawValue:
            JSONError(.tooLong, "The JSON text has \(count) bytes; the limit is \(maxBytes).")
        case CSJ_TOO_DEEP.rawValue:
            JSONError(.tooDeep, "The JSON text is nested deeper than \(maxDepth) levels.")
        case CSJ_NO_MEMORY.rawValue:
            JSONError(.noMemory, "There is no memory to parse \(count) bytes of JSON.")
        case CSJ_EMPTY.rawValue:
            JSONError(.empty, "The text is empty where JSON was expected.")
        case CSJ_BAD_STRING.rawValue:
            JSONError(.badString, "A string in the JSON text has an escape that does not exist.")
        case CSJ_UNCLOSED_STRING.rawValue:
            JSONError(.badString, "A string in the JSON text is not closed.")
        case CSJ_UNESCAPED.rawValue:
            JSONError(.badString, "A string in the JSON text has a control character that is not escaped.")
        case CSJ_BAD_UTF8.rawValue:
            JSONError(.badUTF8, "The JSON text is not UTF-8.")
        case CSJ_BAD_NUMBER.rawValue:
            JSONError(.badNumber, "A number in the JSON text is malformed or too large.")
        case CSJ_BAD_LITERAL.rawValue:
            JSONError(.badLiteral, "The JSON text has a word that is not true, false or null.")
        default:
            JSONError(.badStructure, "The text is not JSON: a bracket, comma, colon or value is missing or too many.")
        }
    }
}
