internal import WireJSON

/// What one entry of `tool_calls` says, wherever upstreams put it. Slices are borrowed from the document.
struct ToolFragment {
    enum Arguments {
        case text(UnsafeRawBufferPointer)
        /// An upstream that does not print arguments as a string.
        case object(JSONValue)
    }

    /// The upstream's number of the call.
    var key: Int64?
    var id: [UInt8] = []
    var name: UnsafeRawBufferPointer?
    var arguments: Arguments?
    /// Members that have no event of their own, such as Gemini's `extra_content`.
    var hasExtras = false
    /// Not a function: it rides along whole.
    var isForeign = false

    var hasName: Bool { name.map { !$0.isEmpty } ?? false }

    var hasArguments: Bool {
        switch arguments {
        case .text(let bytes): !bytes.isEmpty
        case .object: true
        case nil: false
        }
    }

    init(_ entry: JSONValue) {
        for (key, value) in entry.members {
            if key.matches("index") {
                self.key = value.int
            } else if key.matches("id") {
                id = value.stringBytes.map { Array($0) } ?? (value.isNull ? [] : value.json)
            } else if key.matches("function") {
                readFunction(value)
            } else if key.matches("type") {
                isForeign = value.stringBytes.map { !$0.isEmpty && !$0.matches("function") } ?? false
            } else if !value.isNull {
                hasExtras = true
            }
        }
    }

    /// The legacy `function_call`: there is one at most.
    init(legacy function: JSONValue) {
        key = -1
        readFunction(function)
    }

    /// A `function_call` item of the Responses API, without its arguments; `key` is its number in the output.
    init(call item: JSONValue, key: Int64) {
        self.key = key
        id = (item["call_id"] ?? item["id"])?.stringBytes.map { Array($0) } ?? []
        name = item["name"]?.stringBytes
    }

    /// A next piece of a call's arguments.
    init(arguments: UnsafeRawBufferPointer, key: Int64) {
        self.key = key
        self.arguments = .text(arguments)
    }

    private mutating func readFunction(_ function: JSONValue) {
        name = function["name"]?.stringBytes
        guard let value = function["arguments"], !value.isNull else { return }
        arguments = value.stringBytes.map { .text($0) } ?? .object(value)
    }

    /// Writes `{"index":n,…extras}`.
    static func writeExtras(of entry: JSONValue, index: Int, to writer: ByteWriter) {
        writer.append(#"{"index":"#)
        writer.append(int: Int64(index))
        for (key, value) in entry.members where !value.isNull && !isKnown(key) {
            writer.append(",")
            writer.appendJSONString(key)
            writer.append(":")
            value.write(to: writer)
        }
        writer.append("}")
    }

    private static func isKnown(_ key: UnsafeRawBufferPointer) -> Bool {
        key.matches("index") || key.matches("id") || key.matches("function") || key.matches("type")
    }
}
