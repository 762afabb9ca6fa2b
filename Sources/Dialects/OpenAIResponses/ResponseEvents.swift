import CanonicalModel
import WireJSON

/// The server-sent events of one response, numbered from 0; none when the reply is not streamed.
final class ResponseEvents {
    let out: ByteWriter
    private let isOn: Bool
    private var sequence: Int64 = 0

    init(_ out: ByteWriter, isOn: Bool) {
        self.out = out
        self.isOn = isOn
    }

    /// One event; `body` writes its members, each with a comma before it.
    @inline(__always)
    func write(_ type: StaticString, _ body: (ByteWriter) -> Void) {
        guard isOn else { return }
        out.append("event: ")
        out.append(type)
        out.append("\ndata: {\"type\":\"")
        out.append(type)
        out.append("\",\"sequence_number\":")
        out.append(int: sequence)
        sequence += 1
        body(out)
        out.append("}\n\n")
    }
}

/// Where an output item stands.
struct ItemPlace {
    /// A JSON string.
    let id: [UInt8]
    let index: Int
    /// `,"item_id":...,"output_index":...`
    private let location: [UInt8]

    init(prefix: StaticString, _ suffix: String, _ index: Int) {
        let out = ByteWriter(capacity: 96)
        out.append("\"")
        out.append(prefix)
        out.append(utf8: "_\(suffix)_\(index)\"")
        id = out.bytes
        self.index = index
        out.removeAll()
        out.append(#","item_id":"#)
        out.append(bytes: id)
        out.append(utf8: #","output_index":\#(index)"#)
        location = out.bytes
    }

    func write(to out: ByteWriter) { out.append(bytes: location) }

    /// `response.output_item.added` or `.done`; `item` writes the item.
    func event(_ type: StaticString, _ events: ResponseEvents, _ item: (ByteWriter) -> Void) {
        events.write(type) { out in
            out.append(#","output_index":"#)
            out.append(int: Int64(index))
            out.append(#","item":"#)
            item(out)
        }
    }
}

enum ItemStatus {
    case inProgress, completed, incomplete

    func write(to out: ByteWriter) {
        switch self {
        case .inProgress: out.append(#""in_progress""#)
        case .completed: out.append(#""completed""#)
        case .incomplete: out.append(#""incomplete""#)
        }
    }
}
