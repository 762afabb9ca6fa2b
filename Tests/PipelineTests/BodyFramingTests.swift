import CanonicalModel
import KimiHostCore
import PluginABI
import PluginHost
import Testing
import Upstream

@Suite struct BodyFramingTests {
    private func head(_ status: Int, _ type: String?) -> UpstreamHead {
        UpstreamHead(status: status, block: Array((type.map { "Content-Type: \($0)\r\n" } ?? "X: y\r\n").utf8))
    }

    private struct Seen: Equatable {
        var kind: kimi_frame_kind.RawValue
        var flags: UInt32
        var text: String
    }

    private func frames(
        _ framing: PluginFraming, _ head: UpstreamHead, stream: Bool = true, whole: Bool = false, _ pieces: [String]
    ) throws -> [Seen] {
        var body = BodyFraming(
            framing: framing, head: head, isStream: stream, wantsWhole: whole, maxWholeBytes: 1_000)
        var seen: [Seen] = []
        let take = { (frames: UnsafeBufferPointer<kimi_frame>) in
            for frame in frames { seen.append(Seen(kind: frame.kind, flags: frame.flags, text: frame.data.text)) }
        }
        for piece in pieces { try body.push(Array(piece.utf8), take) }
        try body.finish(take)
        return seen
    }

    @Test(arguments: ["text/event-stream", "text/event-stream; charset=utf-8", "TEXT/EVENT-STREAM", "text/plain", nil])
    func `a stream is framed`(type: String?) throws {
        let seen = try frames(.sse, head(200, type), ["data: a\n", "\ndata: b\n\n"])
        #expect(seen.map(\.text) == ["a", "b"])
        #expect(seen.allSatisfy { $0.kind == KIMI_FRAME_SSE.rawValue })
    }

    @Test(arguments: ["application/json", "text/html; charset=utf-8"])
    func `a document comes whole, though a stream was asked for`(type: String) throws {
        let seen = try frames(.sse, head(200, type), ["{", "}"])
        #expect(seen == [Seen(kind: KIMI_FRAME_BODY.rawValue, flags: KIMI_FRAME_F_LAST.rawValue, text: "{}")])
    }

    @Test func `an error's body comes whole and flagged, whatever its type`() throws {
        let seen = try frames(.sse, head(500, "text/event-stream"), ["no", " way"])
        let flags = KIMI_FRAME_F_LAST.rawValue | KIMI_FRAME_F_ERROR.rawValue
        #expect(seen == [Seen(kind: KIMI_FRAME_BODY.rawValue, flags: flags, text: "no way")])
    }

    @Test func `a provider may ask for the body whole`() throws {
        #expect(
            try frames(.sse, head(200, "text/event-stream"), whole: true, ["data: a\n\n"]).map(\.text) == [
                "data: a\n\n"
            ])
    }

    @Test func `raw pieces come as they are`() throws {
        #expect(try frames(.raw, head(200, nil), ["a", "bc"]).map(\.text) == ["a", "bc"])
    }

    @Test func `lines come one by one, the last without its end`() throws {
        #expect(try frames(.ndjson, head(200, nil), ["1\n2", "2\n3"]).map(\.text) == ["1", "22", "3"])
    }

    @Test func `a whole body over the limit is refused`() {
        let error = #expect(throws: ExchangeError.self) {
            try frames(.json, head(200, nil), [String(repeating: "x", count: 1_001)])
        }
        #expect(error?.code == "upstream_too_large")
    }

    @Test func `a long error body is cut, not refused`() throws {
        var body = BodyFraming(
            framing: .sse, head: head(500, nil), isStream: true, wantsWhole: false, maxWholeBytes: 10)
        let piece = [UInt8](repeating: 0x78, count: 700_000)
        try body.push(piece) { _ in }
        #expect(!body.isCut && body.isErrorBody)
        try body.push(piece) { _ in }
        #expect(body.isCut)
        var length = 0
        var flags: UInt32 = 0
        try body.finish { frames in
            length = frames.first.map { $0.data.len } ?? 0
            flags = frames.first?.flags ?? 0
        }
        #expect(length == BodyFraming.maxErrorBytes)
        #expect(flags & KIMI_FRAME_F_CUT.rawValue != 0)
    }
}
