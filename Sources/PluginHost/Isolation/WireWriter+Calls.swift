import CanonicalModel
import PluginABI

/// What calls carry.
extension WireWriter {
    func put(_ result: kimi_result) {
        put(result.kind)
        put(result.id)
        put(result.status)
        put(result.http_status)
        put(result.body)
        put(UInt32(result.n_headers))
        for index in 0..<result.n_headers {
            guard let header = result.headers?[index] else { break }
            put(header.name)
            put(header.value)
        }
    }

    func put(frames: UnsafeBufferPointer<kimi_frame>) {
        put(UInt32(frames.count))
        for frame in frames {
            put(frame.kind)
            put(frame.flags)
            put(frame.name)
            put(frame.data)
        }
    }
}
