package import PluginABI
package import PluginKit
internal import Synchronization
package import WireJSON

/// The memory of one `feed`: parsers whose documents live until the events are emitted, the events, and text that
/// is in no document.
///
/// It belongs to the call, not to the exchange, so that ten thousand open streams need a handful of them.
package final class Workspace {
    /// Events are emitted after so many frames at the latest.
    static let framesPerBatch = 8

    private var parsers: [JSONParser] = []
    private var used = 0
    private var events: [kimi_event] = []
    /// Text of events that is not borrowed. It moves as it grows, so events get their pointers at the end.
    package let text = ByteWriter(capacity: 1024)
    private var copies: [Copy] = []

    /// Which of an event's slices.
    package enum Slot {
        case a, b, c
    }

    private struct Copy {
        let event: Int
        let slot: Slot
        let range: Range<Int>
    }

    init() {
        events.reserveCapacity(64)
    }

    /// Must `emit` come before the next `parse`?
    package var isFull: Bool { used == Self.framesPerBatch }

    /// The document is valid until the next `emit`.
    package func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        if used == parsers.count { parsers.append(JSONParser()) }
        used += 1
        return try parsers[used - 1].parse(bytes)
    }

    package func add(_ event: kimi_event) {
        events.append(event)
    }

    /// A TEXT, REASONING or TOOL_ARGS event over bytes of a document; nothing for no bytes.
    package func add(_ type: kimi_event_type, choice: UInt32, index: UInt32 = 0, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        var event = kimi_event(type, choice: choice, index: index)
        event.a = kimi_bytes(bytes)
        events.append(event)
    }

    /// Gives the last event a slice of `text` from `start` to its end.
    package func attach(_ slot: Slot, from start: Int) {
        copies.append(Copy(event: events.count - 1, slot: slot, range: start..<text.count))
    }

    /// Gives the last event a copy of bytes.
    package func attach(_ slot: Slot, copyOf bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let start = text.count
        text.append(bytes: bytes)
        attach(slot, from: start)
    }

    /// Hands all events to the sink. After it nothing is borrowed any more, also if it throws.
    package func emit(to sink: Sink) throws(PluginFailure) {
        let base = text.unsafeBytes
        for copy in copies {
            let slice = kimi_bytes(UnsafeRawBufferPointer(rebasing: base[copy.range]))
            switch copy.slot {
            case .a: events[copy.event].a = slice
            case .b: events[copy.event].b = slice
            case .c: events[copy.event].c = slice
            }
        }
        let status: Result<Void, PluginFailure> = events.withUnsafeBufferPointer { buffer in
            do throws(PluginFailure) {
                return .success(try sink.emit(buffer))
            } catch {
                return .failure(error)
            }
        }
        reset()
        try status.get()
    }

    func reset() {
        used = 0
        events.removeAll(keepingCapacity: true)
        copies.removeAll(keepingCapacity: true)
        // A long answer's text is not kept for the next short one.
        text.removeAll(keepingCapacity: text.count < 1 << 20)
    }
}

/// Workspaces not in use. Any thread.
package final class WorkspacePool: Sendable {
    /// More than this many are not kept: as many calls run at once as the host has threads.
    private static let kept = 16

    private struct Spare: @unchecked Sendable {
        // Unchecked: a workspace is in the pool or in one call, never in both.
        let workspace: Workspace
    }

    private let spares = Mutex<[Spare]>([])

    /// An empty pool.
    package init() {}

    /// An empty workspace.
    package func take() -> Workspace {
        spares.withLock { $0.popLast() }?.workspace ?? Workspace()
    }

    /// Takes back what nobody uses any more.
    package func give(_ workspace: Workspace) {
        workspace.reset()
        let spare = Spare(workspace: workspace)
        spares.withLock { if $0.count < Self.kept { $0.append(spare) } }
    }
}
