import CanonicalModel
import Dialects
import PluginABI
import WireJSON

/// Tells whether a native stream has got beyond the events with which answers of its API begin, and which say nothing
/// yet. Its provider may not know everything that its upstream says, so this goes by the events' names alone.
struct NativeOpening {
    private static let names: [NativeDialect: [StaticString]] = [
        .messages: ["message_start", "ping", "content_block_start"],
        .responses: [
            "response.created", "response.queued", "response.in_progress", "response.output_item.added",
            "response.content_part.added",
        ],
    ]

    private let names: [StaticString]
    /// Nameless events that are passed over: the chunk of a chat that brings the role alone.
    private var nameless: Int
    private(set) var isOver = false

    init(_ dialect: NativeDialect) {
        names = Self.names[dialect] ?? []
        nameless = dialect == .chat ? 1 : 0
    }

    /// True if something came that says something.
    mutating func take(_ frames: UnsafeBufferPointer<kimi_frame>) -> Bool {
        var says = false
        for frame in frames where !frame.name.buffer.matches("ping") {
            if !isOver { isOver = !isOpening(frame.name.buffer) }
            says = says || isOver
        }
        return says
    }

    private mutating func isOpening(_ name: UnsafeRawBufferPointer) -> Bool {
        if !name.isEmpty { return names.contains { name.matches($0) } }
        nameless -= 1
        return nameless >= 0
    }
}
