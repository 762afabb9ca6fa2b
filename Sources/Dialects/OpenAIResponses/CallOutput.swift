import CanonicalModel
import WireJSON

/// A tool call being streamed as the item that the client's tool asks for.
struct CallOutput {
    private let tool: ResponsesToolTable.Tool
    private let place: ItemPlace
    /// A JSON string.
    private let callID: [UInt8]
    /// The arguments as they come.
    private let arguments = ByteWriter(capacity: 256)
    private var unwrapper: InputUnwrapper?
    let index: UInt32
    /// The call has ended, and its arguments are not what its tool takes.
    private(set) var hasFaultyArguments = false
    /// TOOL_END has come; the item ends with the next event, which tells whether the call was cut off.
    var isEnded = false

    init(
        _ tool: ResponsesToolTable.Tool, index: UInt32, _ place: ItemPlace, callID: [UInt8], _ events: ResponseEvents
    ) {
        self.tool = tool
        self.index = index
        self.place = place
        self.callID = callID
        if tool.kind == .custom { unwrapper = InputUnwrapper() }
        guard isStreamed else { return }
        place.event("response.output_item.added", events) { write(.inProgress, isEmpty: true, to: $0) }
    }

    /// Other kinds have no events of their own and are told whole.
    private var isStreamed: Bool { tool.kind == .function || tool.kind == .custom }

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        guard !bytes.isEmpty else { return }
        arguments.append(bytes: bytes)
        if unwrapper != nil { return unwrap(bytes, events) }
        guard isStreamed else { return }
        writeArguments(bytes, events)
    }

    private func writeArguments(_ bytes: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        events.write("response.function_call_arguments.delta") { out in
            place.write(to: out)
            out.append(#","delta":"#)
            out.appendJSONString(bytes)
        }
    }

    private mutating func unwrap(_ bytes: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        guard let text = unwrapper?.text else { return }
        let before = text.count
        unwrapper?.feed(bytes)
        writeInput(text, from: before, events)
    }

    private func writeInput(_ text: ByteWriter, from: Int, _ events: ResponseEvents) {
        guard text.count > from else { return }
        events.write("response.custom_tool_call_input.delta") { out in
            place.write(to: out)
            out.append(#","delta":""#)
            text.withBytes { out.append(bytes: UnsafeRawBufferPointer(rebasing: $0[from...])) }
            out.append("\"")
        }
    }

    // MARK: End

    /// Ends the item and returns it.
    /// - Parameter isCut: the upstream ran into its limit behind this call.
    mutating func close(isCut: Bool, _ events: ResponseEvents) -> ByteWriter {
        let isSound = unwrapper == nil ? finishArguments(events) : finishInput(events)
        // A patch that was cut off has no word of its own: it never got as far as `completed`.
        let unfinished: ItemStatus = tool.kind == .applyPatch ? .inProgress : .incomplete
        let status = isCut && !isSound ? unfinished : .completed
        hasFaultyArguments = !isSound
        writeDone(events)
        let item = ByteWriter(capacity: arguments.count + 256)
        write(status, isEmpty: false, to: item)
        if !isStreamed { place.event("response.output_item.added", events) { $0.append(item) } }
        place.event("response.output_item.done", events) { $0.append(item) }
        return item
    }

    /// Are the arguments JSON? None at all are those of a call without arguments.
    private func finishArguments(_ events: ResponseEvents) -> Bool {
        let isBlank = arguments.withBytes { $0.allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 } }
        if isBlank {
            arguments.append("{}")
            if tool.kind == .function {
                arguments.withBytes { writeArguments(UnsafeRawBufferPointer(rebasing: $0.suffix(2)), events) }
            }
            return true
        }
        return arguments.withBytes { (try? JSONSpans.value(of: $0)) != nil }
    }

    private mutating func finishInput(_ events: ResponseEvents) -> Bool {
        guard let unwrapper else { return true }
        let before = unwrapper.text.count
        let isSound = arguments.withBytes { unwrapper.finish($0) }
        writeInput(unwrapper.text, from: before, events)
        return isSound
    }

    private func writeDone(_ events: ResponseEvents) {
        if let unwrapper {
            events.write("response.custom_tool_call_input.done") { out in
                place.write(to: out)
                out.append(#","input":""#)
                out.append(unwrapper.text)
                out.append("\"")
            }
        } else if tool.kind == .function {
            events.write("response.function_call_arguments.done") { out in
                place.write(to: out)
                out.append(#","name":"#)
                out.appendJSONString(tool.name)
                out.append(#","arguments":"#)
                arguments.withBytes { out.appendJSONString($0) }
            }
        }
    }

    private func write(_ status: ItemStatus, isEmpty: Bool, to out: ByteWriter) {
        out.append(#"{"id":"#)
        out.append(bytes: place.id)
        out.append(#","type":""#)
        out.append(tool.kind.itemType)
        out.append(#"","status":"#)
        status.write(to: out)
        out.append(#","call_id":"#)
        out.append(bytes: callID)
        out.append(",")
        switch tool.kind {
        case .function:
            writeName(to: out)
            out.append(#","arguments":"#)
            if isEmpty { out.append("\"\"") } else { arguments.withBytes { out.appendJSONString($0) } }
        case .custom:
            writeName(to: out)
            out.append(#","input":""#)
            if let text = unwrapper?.text, !isEmpty { out.append(text) }
            out.append("\"")
        default: arguments.withBytes { StructuredCall(tool.kind, $0).write(to: out) }
        }
        out.append("}")
    }

    private func writeName(to out: ByteWriter) {
        out.append(#""name":"#)
        out.appendJSONString(tool.name)
        guard let namespace = tool.namespace else { return }
        out.append(#","namespace":"#)
        out.appendJSONString(namespace)
    }
}

extension ResponsesToolTable.Kind {
    var itemType: StaticString {
        switch self {
        case .function: "function_call"
        case .custom: "custom_tool_call"
        case .applyPatch: "apply_patch_call"
        case .localShell: "local_shell_call"
        case .shell: "shell_call"
        case .toolSearch: "tool_search_call"
        }
    }

    var idPrefix: StaticString {
        switch self {
        case .function: "fc"
        case .custom: "ctc"
        case .applyPatch: "apc"
        case .localShell: "lsh"
        case .shell: "sh"
        case .toolSearch: "tsc"
        }
    }
}
