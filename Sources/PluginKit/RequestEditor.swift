package import PluginABI
public import WireJSON

/// Where a transform's `begin` describes its change to the request: one merge patch, or one replacement, in as
/// many pieces as it likes. Valid during `begin`.
public struct RequestEditor {
    private let host: UnsafePointer<kimi_host>
    let out: OpaquePointer?

    package init(host: UnsafePointer<kimi_host>, out: OpaquePointer?) {
        self.host = host
        self.out = out
    }

    /// Appends to the text of an RFC 7396 merge patch: members that it does not name keep their bytes.
    public func mergePatch(_ json: UnsafeRawBufferPointer) throws(PluginFailure) {
        try put(KIMI_PUT_MERGE_PATCH, json)
    }

    /// The same from a writer.
    public func mergePatch(_ json: ByteWriter) throws(PluginFailure) {
        try put(KIMI_PUT_MERGE_PATCH, json.unsafeBytes)
    }

    /// The same from an array.
    public func mergePatch(_ json: [UInt8]) throws(PluginFailure) {
        try putArray(KIMI_PUT_MERGE_PATCH, json)
    }

    /// Appends to the text of the whole new request.
    public func replace(_ json: UnsafeRawBufferPointer) throws(PluginFailure) {
        try put(KIMI_PUT_REPLACE, json)
    }

    /// The same from a writer.
    public func replace(_ json: ByteWriter) throws(PluginFailure) {
        try put(KIMI_PUT_REPLACE, json.unsafeBytes)
    }

    /// The same from an array.
    public func replace(_ json: [UInt8]) throws(PluginFailure) {
        try putArray(KIMI_PUT_REPLACE, json)
    }

    private func putArray(_ how: kimi_put, _ data: [UInt8]) throws(PluginFailure) {
        let result: Result<Void, PluginFailure> = data.withUnsafeBytes { buffer in
            do throws(PluginFailure) {
                return .success(try put(how, buffer))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func put(_ how: kimi_put, _ data: UnsafeRawBufferPointer) throws(PluginFailure) {
        guard let put = host.pointee.put else { throw missing("put") }
        try check(put(out, how.rawValue, kimi_bytes(data)), "put")
    }
}
