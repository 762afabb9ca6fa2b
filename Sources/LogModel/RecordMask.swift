/// Hides secrets. Any thread.
package protocol RecordMask: Sendable {
    /// Whether there is something in `bytes` to be hidden.
    func finds(in bytes: UnsafeRawBufferPointer) -> Bool
    /// Bytes of the longest secret.
    var longest: Int { get }
    /// Whether it hides all that `other` hides, and nothing else.
    func isSame(as other: any RecordMask) -> Bool
    /// `bytes` with `***` for every secret.
    func masked(_ bytes: [UInt8]) -> [UInt8]
}
