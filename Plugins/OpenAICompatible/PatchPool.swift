internal import Synchronization
internal import WireJSON

/// Writers for patches, which may be as long as requests: memory that is fresh each time costs more than the work.
/// Any thread.
final class PatchPool: Sendable {
    /// More than this many are not kept.
    private static let kept = 8
    /// Longer ones are not kept.
    static let maxBytes = 1 << 20

    private struct Spare: @unchecked Sendable {
        // Unchecked: a writer is in the pool or in one exchange, never in both.
        let writer: ByteWriter
    }

    private let spares = Mutex<[Spare]>([])

    /// An empty writer.
    func take() -> ByteWriter {
        spares.withLock { $0.popLast() }?.writer ?? ByteWriter()
    }

    /// Takes back what nobody uses any more.
    func give(_ writer: ByteWriter) {
        guard writer.count <= Self.maxBytes else { return }
        writer.removeAll()
        let spare = Spare(writer: writer)
        spares.withLock { if $0.count < Self.kept { $0.append(spare) } }
    }
}
