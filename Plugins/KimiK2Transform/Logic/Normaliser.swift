/// Turns what one choice of a Kimi model says, markup and all, into text, thought and calls.
///
/// A value with no I/O. Feed it what arrives with `text` and the `structured…` functions, then call `finish` once.
/// What comes out is the same for every way of cutting what goes in. Time is linear in the bytes fed; what is held
/// back is bounded by `Limits` and `Options.maxHeldThinkingBytes`.
package struct Normaliser {
    /// Where in the grammar the next byte stands.
    enum Mode {
        /// Ordinary text.
        case text
        /// In a section, outside a call.
        case section
        /// After a call's begin, before its arguments.
        case header
        case arguments
        /// After complete arguments, before anything else.
        case tail
        /// After `<|im_assistant|>`, before `<|im_middle|>`.
        case role
        /// K3: in its tools, outside a call; in a call, outside an argument; in an argument's value; after what may
        /// be the value's end.
        case tools, call, value, valueEnd
    }

    /// Is it known whether text in content is thought or answer?
    enum Lead {
        case known
        /// At the start: a close tag without an open one may still come.
        case initial
        /// After calls inside an open thought: does it go on, or did the calls end it?
        case resumed
    }

    let options: NormaliserOptions
    let tools: DeclaredTools

    var mode = Mode.text
    /// The channel that the bytes come from.
    var source = TextChannel.content
    var thinking = false
    var thinkTag = ThinkTag.think
    var lead: Lead
    var log = EventLog()
    var contentEdges: EdgeTrim
    var reasoningEdges: EdgeTrim
    /// Markdown of the current channel, and of the other one.
    var code = CodeSpans()
    var otherCode = CodeSpans()
    /// Does a line begin where the text fed so far ends, but for blanks?
    var endsLine = true
    /// The same of the other channel.
    var otherEndsLine = true
    /// The beginning of a marker, cut off by the end of what was fed.
    var carry: [UInt8] = []
    /// How many bytes of `carry` come from the bytes being worked on.
    var carriedHere = 0
    var hold: Hold?
    /// What may be a call in another family's markup.
    var foreign: HeldForeign?
    /// Is such markup looked for at all?
    let readsForeign: Bool
    /// What is worked on was held as such markup, and is text.
    var isForeignMuted = false
    /// The same, of the bytes in `carry`.
    var isCarryMuted = false
    /// K3's markup.
    var xtml: XTMLState
    /// Do the bytes being worked on die with the call?
    var isTransient = false

    /// Text of a section, header or role, not yet known to matter.
    var pending: [UInt8] = []
    var inSection = false
    var sectionHasCalls = false
    /// The server strips the markers that begin sections and calls.
    var beginsAreLost = false
    var call: OpenCall?
    var arguments = ArgumentStream()
    var ledger: CallLedger
    var structured: [StructuredCall] = []
    /// The name of the last call, if it was emitted whole.
    var lastName: String?
    /// Calls begun so far that were glued to the one before.
    var gluedCalls = 0
    /// Nothing but garbage came since the last arguments; there was no blank in it.
    var afterArguments = false
    var isGlued = false
    /// A call or its header was cut off by the end.
    var isCut = false
    var hasContent = false
    /// At the end: the upstream says that the model had finished.
    var endsWhole = false
    /// At the end: the upstream says that it broke off.
    var endsCut = false
    /// What was repaired and seen since somebody last asked.
    package var notes = NoteCounts()
    package private(set) var isFinished = false
    /// The channel that clean text goes out on, when nothing at all is pending.
    private var quickTarget: TextChannel?

    package init(options: NormaliserOptions, tools: DeclaredTools) {
        self.options = options
        self.tools = tools
        contentEdges = EdgeTrim(dropsPlaceholder: options.repairs.contains(.noContent))
        reasoningEdges = contentEdges
        ledger = CallLedger(options)
        readsForeign = options.repairs.contains(.foreignCalls) || options.repairs.contains(.leftovers)
        xtml = XTMLState(family: options.family)
        switch options.startsInThinking {
        case _ where !options.repairs.contains(.thinking): lead = .known
        case .yes:
            lead = .known
            thinking = true
        case .no: lead = .known
        case .unknown: lead = .initial
        }
    }

    // MARK: - Feeding

    /// The channel `bytes` go out on as they are, with nothing else to do; nil if they must be fed.
    @inline(__always)
    package func cleanTarget(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer) -> TextChannel? {
        guard let quickTarget, channel == source, !bytes.isEmpty, !isBlank(bytes[bytes.count - 1]),
            bytes.firstTextSpecial(from: 0) == bytes.count
        else { return nil }
        return quickTarget
    }

    /// Text that arrived in `channel`.
    package mutating func text(
        _ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, to output: inout some NormalisedOutput
    ) {
        guard !bytes.isEmpty, !isFinished else { return }
        if channel != source { switchSource(to: channel, &output) }
        if channel == .reasoning { noteReasoningField(&output) } else { hasContent = true }
        run(bytes, transient: false, &output)
        refreshQuick()
    }

    /// The choice is over: everything held goes out. `upstreamReason`: the finish reason that came, if one did.
    package mutating func finish(upstreamReason: String? = nil, to output: inout some NormalisedOutput) {
        guard !isFinished else { return }
        endsWhole = FinishReason.isWhole(upstreamReason)
        endsCut = FinishReason.isCut(upstreamReason)
        endOfInput(&output)
        isFinished = true
        quickTarget = nil
    }

    /// Held for too long: gives up what is only waited for, and takes it for text. A model that is known to think
    /// thinks for longer than any patience: its opening words stay held up to their bound in bytes.
    package mutating func releaseHeld(to output: inout some NormalisedOutput) {
        guard !isFinished else { return }
        if let held = hold { settleHold(held, .quoted, &output) }
        settleForeignAtEnd(&output)
        if !options.isThinker { decide(.content, &output) }
        refreshQuick()
    }

    /// The finish reason to give, after `finish`.
    package func finishReason(upstream: String) -> String {
        guard options.repairs.contains(.finishReason) else { return upstream }
        return FinishReason.corrected(upstream, calls: Int(ledger.count), inlineCalls: ledger.hasInline, cut: isCut)
    }

    mutating func refreshQuick() {
        let target = target
        let flowing = target == .content ? contentEdges.isFlowing : reasoningEdges.isFlowing
        let otherHolds = target == .content ? reasoningEdges.isHolding : contentEdges.isHolding
        let isWaiting = otherHolds || isHeld || hold != nil || foreign != nil || xtml.tag != nil || !carry.isEmpty
        quickTarget = mode == .text && !isWaiting && !endsLine && code.isIdle && flowing ? target : nil
    }
}
