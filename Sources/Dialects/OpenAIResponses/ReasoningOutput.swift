import CanonicalModel
import WireJSON

/// A reasoning item being streamed: one part at most, in `content` or in `summary`.
struct ReasoningOutput {
    private let place: ItemPlace
    private let form: ReasoningForm
    private let wantsEnvelope: Bool
    /// The inside of a JSON string.
    private let text = ByteWriter(capacity: 512)
    private var hasPart = false
    var payload: ReasoningPayload

    init(
        _ place: ItemPlace, _ form: ReasoningForm, wantsEnvelope: Bool, _ payload: ReasoningPayload,
        _ events: ResponseEvents
    ) {
        self.place = place
        self.form = form
        self.wantsEnvelope = wantsEnvelope
        self.payload = payload
        place.event("response.output_item.added", events) { write(isDone: false, to: $0) }
    }

    /// Is the thought over? What follows is another.
    var isSigned: Bool { !payload.signature.isEmpty || !payload.foreign.isEmpty }

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        if !hasPart {
            hasPart = true
            events.write(form == .content ? "response.content_part.added" : "response.reasoning_summary_part.added") {
                writeLocation(to: $0)
                writePart(isEmpty: true, to: $0)
            }
        }
        text.appendJSONEscaped(bytes)
        events.write(form == .content ? "response.reasoning_text.delta" : "response.reasoning_summary_text.delta") {
            writeLocation(to: $0)
            $0.append(#","delta":"#)
            $0.appendJSONString(bytes)
        }
    }

    /// Ends the item and returns it.
    mutating func close(_ events: ResponseEvents) -> ByteWriter {
        if hasPart {
            events.write(form == .content ? "response.reasoning_text.done" : "response.reasoning_summary_text.done") {
                writeLocation(to: $0)
                $0.append(#","text":""#)
                $0.append(text)
                $0.append("\"")
            }
            events.write(form == .content ? "response.content_part.done" : "response.reasoning_summary_part.done") {
                writeLocation(to: $0)
                writePart(isEmpty: false, to: $0)
            }
        }
        payload.thinking = text
        let item = ByteWriter(capacity: text.count * 3 + 256)
        write(isDone: true, to: item)
        place.event("response.output_item.done", events) { $0.append(item) }
        return item
    }

    private func writeLocation(to out: ByteWriter) {
        place.write(to: out)
        out.append(form == .content ? #","content_index":0"# : #","summary_index":0"#)
    }

    private func writePart(isEmpty: Bool, to out: ByteWriter) {
        out.append(#","part":"#)
        writeText(isEmpty: isEmpty, to: out)
    }

    private func writeText(isEmpty: Bool, to out: ByteWriter) {
        out.append(form == .content ? #"{"type":"reasoning_text","text":""# : #"{"type":"summary_text","text":""#)
        if !isEmpty { out.append(text) }
        out.append(#""}"#)
    }

    private func write(isDone: Bool, to out: ByteWriter) {
        let hasText = isDone && hasPart
        out.append(#"{"id":"#)
        out.append(bytes: place.id)
        out.append(#","type":"reasoning","summary":["#)
        if hasText, form == .summary { writeText(isEmpty: false, to: out) }
        out.append("]")
        if form == .content {
            out.append(#","content":["#)
            if hasText { writeText(isEmpty: false, to: out) }
            out.append("]")
        }
        if isDone, wantsEnvelope || payload.isNeeded {
            out.append(#","encrypted_content":"#)
            payload.write(to: out)
        }
        out.append("}")
    }
}
