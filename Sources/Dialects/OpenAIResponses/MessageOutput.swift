import CanonicalModel
import WireJSON

/// A message item being streamed: parts of text and refusal, one open at a time.
struct MessageOutput {
    private let place: ItemPlace
    private var parts = ListWriter()
    private var part: Part?

    private struct Part {
        let isRefusal: Bool
        /// The inside of a JSON string.
        let text = ByteWriter(capacity: 512)
        var annotations = ListWriter()
        var logprobs = ListWriter()

        init(isRefusal: Bool) { self.isRefusal = isRefusal }
    }

    init(_ place: ItemPlace, _ events: ResponseEvents) {
        self.place = place
        place.event("response.output_item.added", events) { write(.inProgress, to: $0) }
    }

    mutating func addText(_ text: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        let part = open(isRefusal: false, events)
        part.text.appendJSONEscaped(text)
        events.write("response.output_text.delta") { out in
            writeLocation(to: out)
            out.append(#","delta":"#)
            out.appendJSONString(text)
            out.append(#","logprobs":[]"#)
        }
    }

    mutating func addRefusal(_ text: UnsafeRawBufferPointer, _ events: ResponseEvents) {
        let part = open(isRefusal: true, events)
        part.text.appendJSONEscaped(text)
        events.write("response.refusal.delta") { out in
            writeLocation(to: out)
            out.append(#","delta":"#)
            out.appendJSONString(text)
        }
    }

    /// `annotation`: a Responses annotation.
    mutating func addAnnotation(_ annotation: ByteWriter, _ events: ResponseEvents) {
        var part = open(isRefusal: false, events)
        let index = part.annotations.count
        part.annotations.next().append(annotation)
        self.part = part
        events.write("response.output_text.annotation.added") { out in
            writeLocation(to: out)
            out.append(#","annotation_index":"#)
            out.append(int: Int64(index))
            out.append(#","annotation":"#)
            out.append(annotation)
        }
    }

    /// They are told with the part's end, because upstreams send them behind the text that they belong to.
    mutating func addLogprob(_ logprob: ByteWriter) {
        guard part?.isRefusal == false else { return }
        part?.logprobs.next().append(logprob)
    }

    /// Ends the item and returns it.
    mutating func close(_ status: ItemStatus, _ events: ResponseEvents) -> ByteWriter {
        if part == nil, parts.count == 0 { _ = open(isRefusal: false, events) }
        closePart(events)
        let item = ByteWriter(capacity: parts.out.count + 128)
        write(status, to: item)
        place.event("response.output_item.done", events) { $0.append(item) }
        return item
    }

    // MARK: Parts

    private mutating func open(isRefusal: Bool, _ events: ResponseEvents) -> Part {
        if let part, part.isRefusal == isRefusal { return part }
        closePart(events)
        let part = Part(isRefusal: isRefusal)
        self.part = part
        events.write("response.content_part.added") { out in
            writeLocation(to: out)
            out.append(#","part":"#)
            Self.write(part, to: out)
        }
        return part
    }

    private mutating func closePart(_ events: ResponseEvents) {
        guard let part else { return }
        if part.isRefusal {
            events.write("response.refusal.done") { out in
                writeLocation(to: out)
                Self.write(#","refusal":""#, part.text, to: out)
            }
        } else {
            events.write("response.output_text.done") { out in
                writeLocation(to: out)
                Self.write(#","text":""#, part.text, to: out)
                out.append(#","logprobs":"#)
                part.logprobs.write(to: out)
            }
        }
        events.write("response.content_part.done") { out in
            writeLocation(to: out)
            out.append(#","part":"#)
            Self.write(part, to: out)
        }
        Self.write(part, to: parts.next())
        self.part = nil
    }

    private func writeLocation(to out: ByteWriter) {
        place.write(to: out)
        out.append(#","content_index":"#)
        out.append(int: Int64(parts.count))
    }

    private static func write(_ prefix: StaticString, _ text: ByteWriter, to out: ByteWriter) {
        out.append(prefix)
        out.append(text)
        out.append("\"")
    }

    private static func write(_ part: Part, to out: ByteWriter) {
        if part.isRefusal {
            write(#"{"type":"refusal","refusal":""#, part.text, to: out)
        } else {
            write(#"{"type":"output_text","text":""#, part.text, to: out)
            out.append(#","annotations":"#)
            part.annotations.write(to: out)
            out.append(#","logprobs":"#)
            part.logprobs.write(to: out)
        }
        out.append("}")
    }

    private func write(_ status: ItemStatus, to out: ByteWriter) {
        out.append(#"{"id":"#)
        out.append(bytes: place.id)
        out.append(#","type":"message","status":"#)
        status.write(to: out)
        out.append(#","role":"assistant","content":"#)
        parts.write(to: out)
        out.append("}")
    }
}
