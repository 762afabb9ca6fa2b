/// How one request's answer is to be read.
package struct NormaliserOptions: Sendable {
    /// Does generation begin inside the thought, with an opening tag that nobody sees?
    package enum StartsInThinking: Sendable {
        case yes, no
        /// Hold the beginning until a tag tells.
        case unknown
    }

    package var startsInThinking: StartsInThinking
    /// While it is unknown: wait for a tag even when calls begin, because this model is known to think.
    package var isThinker: Bool
    /// The most that is held while it is unknown. Bytes.
    package var maxHeldThinkingBytes: Int

    package init(
        startsInThinking: StartsInThinking = .unknown, isThinker: Bool = false, maxHeldThinkingBytes: Int? = nil
    ) {
        self.startsInThinking = startsInThinking
        self.isThinker = isThinker
        self.maxHeldThinkingBytes =
            maxHeldThinkingBytes ?? (isThinker ? Limits.heldThinkingOfThinkers : Limits.heldThinking)
    }
}
