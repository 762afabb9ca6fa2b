/// Memory for bytes that must outlive the call that made them, up to the end of a batch. Nothing in it moves.
final class ByteArena {
    private static let blockSize = 16 << 10

    private var blocks: [UnsafeMutableRawBufferPointer] = []
    private var used = 0

    deinit { for block in blocks { block.deallocate() } }

    /// A copy of `bytes`, valid until `reset`.
    func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard !bytes.isEmpty else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        if blocks.last.map({ $0.count - used < bytes.count }) ?? true { grow(bytes.count) }
        guard let block = blocks.last else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let target = UnsafeMutableRawBufferPointer(rebasing: block[used..<used + bytes.count])
        target.copyMemory(from: bytes)
        used += bytes.count
        return UnsafeRawBufferPointer(target)
    }

    /// Forgets all copies; keeps one block for the next batch.
    func reset() {
        while blocks.count > 1 { blocks.removeFirst().deallocate() }
        if let last = blocks.last, last.count > Self.blockSize {
            last.deallocate()
            blocks.removeAll()
        }
        used = 0
    }

    private func grow(_ needed: Int) {
        blocks.append(.allocate(byteCount: max(needed, Self.blockSize), alignment: 16))
        used = 0
    }
}
