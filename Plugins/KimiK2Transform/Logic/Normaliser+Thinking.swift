/// Thought and answer.
extension Normaliser {
    mutating func openThought(_ tag: ThinkTag, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if tag.isForeign, hasTextBefore { return emitText(spelled, &output) }
        notes.add(.thinking)
        code.reset()
        endsLine = true
        if source == .reasoning {
            thinkTag = tag
            return junction(&output)
        }
        decide(.content, &output)
        if !thinking {
            junction(in: .content, &output)
            thinking = true
        }
        thinkTag = tag
        junction(in: .reasoning, betweenBlocks: true, &output)
    }

    mutating func closeThought(_ tag: ThinkTag, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if tag.isForeign, thinkTag != tag { return emitText(spelled, &output) }
        notes.add(.thinking)
        code.reset()
        endsLine = true
        thinkTag = .think
        if source == .reasoning { return junction(&output) }
        decide(.reasoning, &output)
        if thinking { junction(in: .reasoning, &output) }
        thinking = false
        junction(in: .content, &output)
    }

    private var hasTextBefore: Bool {
        isHeld ? log.hasText : target == .content ? contentEdges.hasText : reasoningEdges.hasText
    }

    // MARK: - When it is unknown which is which

    /// What was held is `channel`, and goes out.
    mutating func decide(_ channel: TextChannel, _ output: inout some NormalisedOutput) {
        guard lead != .known else { return }
        let held = log
        log = EventLog()
        lead = .known
        let endsThought = thinking && channel == .content
        thinking = channel == .reasoning
        if channel == .content {
            if endsThought { junction(in: .content, &output) }
            held.replay(as: .content, edges: &contentEdges, to: &output)
        } else {
            held.replay(as: .reasoning, edges: &reasoningEdges, to: &output)
        }
    }

    /// More was held than may be: it is taken for the answer.
    mutating func giveUpHolding(_ output: inout some NormalisedOutput) {
        if options.maxHeldThinkingBytes > 0 { notes.add(.limit) }
        decide(.content, &output)
    }

    /// Calls begin: a model not known to think has then been answering, not thinking.
    mutating func decideBeforeCalls(_ output: inout some NormalisedOutput) {
        if lead == .initial, source == .content, !options.isThinker { decide(.content, &output) }
    }

    /// Calls inside an open thought are over: what follows may be more thought, or the answer.
    mutating func doubtThought() {
        guard thinking, source == .content, lead == .known else { return }
        lead = .resumed
    }

    // MARK: - The upstream's own reasoning field

    /// The server parts thought and answer itself, so content is the answer.
    mutating func noteReasoningField(_ output: inout some NormalisedOutput) {
        decide(.content, &output)
        if !hasContent { thinking = false }
    }

    mutating func switchSource(to channel: TextChannel, _ output: inout some NormalisedOutput) {
        if mode == .text {
            if xtml.tag?.isInName != true { settlePending(&output) }  // A tag may go on in the other field.
            code.settle()
        }
        if channel == .content { xtml.answersInReasoning = false }
        source = channel
        swap(&code, &otherCode)
        swap(&endsLine, &otherEndsLine)
    }
}
