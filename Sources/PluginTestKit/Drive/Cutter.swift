import CanonicalModel
import PluginABI

/// Cuts a script's stream elsewhere. What comes out of the plugin must not change.
enum Cutter {
    /// All in one batch; neighbouring texts joined.
    static func joined(_ script: Script) -> Script {
        var script = script
        script.frames = script.frames.isEmpty ? [] : [mergedRaw(Array(script.frames.joined()))]
        script.events = script.events.isEmpty ? [] : [EventMerge.merged(Array(script.events.joined()))]
        return script
    }

    /// Every piece as small as it can be, one per batch.
    static func single(_ script: Script) -> Script {
        var script = script
        script.frames = script.frames.joined().flatMap { frame in
            frame.kind == KIMI_FRAME_RAW.rawValue && frame.data.count <= 65_536
                ? frame.data.map { [Frame(KIMI_FRAME_RAW, [$0])] } : [[frame]]
        }
        script.events = script.events.joined().flatMap { event in pieces(event, [1]).map { [$0] } }
        return script
    }

    /// Random pieces in random batches.
    static func random(_ script: Script, _ random: inout SplitMix) -> Script {
        var script = script
        let frames = mergedRaw(Array(script.frames.joined())).flatMap { cut($0, &random) }
        let events = EventMerge.merged(Array(script.events.joined())).flatMap { event -> [Event] in
            let sizes = (0..<4).map { _ in Int.random(in: 1...12, using: &random) }
            return Int.random(in: 0..<4, using: &random) == 0 ? [event] : pieces(event, sizes)
        }
        script.frames = batched(frames, &random)
        script.events = batched(events, &random)
        return script
    }

    private static func batched<Piece>(_ pieces: [Piece], _ random: inout SplitMix) -> [[Piece]] {
        var batches: [[Piece]] = []
        let most = [1, 2, 5, 20].randomElement(using: &random) ?? 1
        var rest = pieces[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...most, using: &random)
            batches.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return batches
    }

    private static func cut(_ frame: Frame, _ random: inout SplitMix) -> [Frame] {
        guard frame.kind == KIMI_FRAME_RAW.rawValue else { return [frame] }
        var frames: [Frame] = []
        var rest = frame.data[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...40, using: &random)
            frames.append(Frame(KIMI_FRAME_RAW, Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return frames
    }

    private static func mergedRaw(_ frames: [Frame]) -> [Frame] {
        var merged: [Frame] = []
        for frame in frames {
            if let last = merged.last, last.kind == KIMI_FRAME_RAW.rawValue, frame.kind == last.kind {
                merged[merged.count - 1].data += frame.data
            } else {
                merged.append(frame)
            }
        }
        return merged
    }

    /// A text event in pieces of these many code points, over and over; a signature stays on the last.
    private static func pieces(_ event: Event, _ sizes: [Int]) -> [Event] {
        guard event.isText, event.a.count > 1, event.a.count <= 65_536 else { return [event] }
        var pieces: [Event] = []
        var start = 0
        var number = 0
        while start < event.a.count {
            var end = start
            for _ in 0..<sizes[number % sizes.count] where end < event.a.count {
                end += 1
                while end < event.a.count, event.a[end] & 0xC0 == 0x80 { end += 1 }
            }
            var piece = event
            piece.a = Array(event.a[start..<end])
            if end < event.a.count { piece.b = [] }
            pieces.append(piece)
            start = end
            number += 1
        }
        return pieces
    }
}
