/// The two texts of an answer.
package enum TextChannel: Equatable, Sendable {
    case content, reasoning
}

/// Where a `Normaliser` puts what it found, in order.
///
/// Bytes are borrowed. `transient` ones die when the call returns and must be copied to be kept; the others are
/// slices of what was fed, and live as long as that.
package protocol NormalisedOutput {
    mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool)
    /// A call begins. `index` counts from 0 without gaps.
    mutating func toolBegin(_ index: UInt32, id: String, name: String)
    /// The next piece of the call's arguments.
    mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool)
    mutating func toolEnd(_ index: UInt32)
}
