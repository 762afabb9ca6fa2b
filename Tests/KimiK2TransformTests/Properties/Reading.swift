import KimiK2TransformLogic

/// What a normaliser made of one example, with each text as it left.
struct Reading: NormalisedOutput {
    var collected = Collector()
    var texts: [String] = []
    /// Counts of repairs and flags.
    var notes: [String: Int] = [:]

    var answer: Answer { collected.answer }
    var breaches: [String] { collected.breaches }

    mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        texts.append(String(decoding: bytes, as: UTF8.self))
        collected.text(channel, bytes, transient: transient)
    }

    mutating func toolBegin(_ index: UInt32, id: String, name: String) {
        if id.isEmpty { collected.breaches.append("call \(index) has no id") }
        collected.toolBegin(index, id: id, name: name)
    }

    mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        collected.toolArguments(index, bytes, transient: transient)
    }

    mutating func toolEnd(_ index: UInt32) { collected.toolEnd(index) }

    /// Reads the example in these pieces.
    static func of(_ example: Case, cut pieces: [String]? = nil, options: NormaliserOptions? = nil) -> Reading {
        let bytes = (pieces ?? [example.input]).map { (example.channel, Array($0.utf8)) }
        return of(bytes, example, options: options)
    }

    /// Reads texts in their channels, with the example's tools and finish reason.
    static func of(
        _ pieces: [(TextChannel, [UInt8])], _ example: Case, options: NormaliserOptions? = nil,
        then more: (inout Normaliser, inout Reading) -> Void = { _, _ in }
    ) -> Reading {
        var normaliser = Normaliser(options: options ?? example.options, tools: DeclaredTools(example.tools))
        var reading = Reading()
        for (channel, piece) in pieces {
            piece.withUnsafeBytes { bytes in
                reading.collected.feeds(bytes)
                if let target = normaliser.cleanTarget(channel, bytes) {
                    reading.text(target, bytes, transient: false)
                } else {
                    normaliser.text(channel, bytes, to: &reading)
                }
            }
        }
        more(&normaliser, &reading)
        reading.collected.feeds(nil)
        normaliser.finish(to: &reading)
        for (kind, count) in normaliser.notes.drain() { reading.notes[kind, default: 0] += count }
        reading.collected = reading.collected.finished(normaliser.finishReason(upstream: example.upstreamReason))
        return reading
    }
}
