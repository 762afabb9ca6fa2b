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
    /// nil: not known; then the markup itself must tell.
    package var family: ModelFamily?
    package var ids = IDStyle.short
    package var repairs = RepairSet.all
    package var conversation = Conversation()
    /// Where the random ids of `IDStyle.unique` begin.
    package var idSeed: UInt64 = 0

    package init(
        startsInThinking: StartsInThinking = .unknown, isThinker: Bool = false, maxHeldThinkingBytes: Int? = nil
    ) {
        self.startsInThinking = startsInThinking
        self.isThinker = isThinker
        self.maxHeldThinkingBytes =
            maxHeldThinkingBytes ?? (isThinker ? Limits.heldThinkingOfThinkers : Limits.heldThinking)
    }
}
