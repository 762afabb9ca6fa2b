/// Hides secrets. Any thread.
package protocol RecordMask: Sendable {
    /// Whether there is something in `bytes` to be hidden.
    func finds(in bytes: UnsafeRawBufferPointer) -> Bool
    /// `bytes` with `***` for every secret.
    func masked(_ bytes: [UInt8]) -> [UInt8]
}
