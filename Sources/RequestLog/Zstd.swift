import CZstd

/// Compression of stored pieces. One thread at a time, hence only inside ``LogDisk``, which a lock guards.
final class Compressor: @unchecked Sendable {
    /// The fastest of the real levels: what is stored is mostly small, and the writer has other things to do.
    private static let level: Int32 = 1

    private let context: OpaquePointer?

    init() { context = ZSTD_createCCtx() }

    deinit { ZSTD_freeCCtx(context) }

    func packed(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
        guard let context else { throw LogError.broken("no memory for zstd") }
        let bound = ZSTD_compressBound(bytes.count)
        var code = 0
        let packed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            code = ZSTD_compressCCtx(context, buffer.baseAddress, bound, bytes.baseAddress, bytes.count, Self.level)
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else { throw LogError.broken("zstd cannot compress \(bytes.count) bytes") }
        return packed
    }
}

enum Zstd {
    /// The most that one stored piece may unpack to: a damaged file must not ask for all memory.
    static let maxUnpacked = 64 << 20

    static func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        let size = ZSTD_getFrameContentSize(bytes, bytes.count)
        guard size <= UInt64(maxUnpacked) else { throw LogError.broken("a stored piece is damaged") }
        var code = 0
        let unpacked = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            code = ZSTD_decompress(buffer.baseAddress, Int(size), bytes, bytes.count)
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else { throw LogError.broken("a stored piece is damaged") }
        return unpacked
    }
}
