import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

@Suite("Replies that go down as they come")
struct NativeReplyTests {
    private static let streams = [
        "data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r",
        ": c\n\n\n\ndata: a\ndata: b\n\n", "data: a\n\r\ndata: b\r\n\n",
    ]

    private func reply(_ dialect: NativeDialect = .chat) -> NativeReply {
        let reply = NativeReply(dialect, requestID: "r", isStreaming: true, maxBytes: 1 << 30)
        reply.began(status: 200, isEvents: true)
        return reply
    }

    private func take(_ reply: NativeReply, _ bytes: ArraySlice<UInt8>) -> String {
        reply.output.removeAll(keepingCapacity: true)
        reply.stage(Array(bytes))
        reply.commit()
        return String(decoding: reply.output.bytes, as: UTF8.self)
    }

    @Test("Whole events leave at once, at every pair of cuts, and nothing is lost", arguments: streams)
    func cuts(stream: String) throws {
        let bytes = Array(stream.utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let reply = reply()
                var out = ""
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] {
                    let left = take(reply, piece)
                    #expect(left.isEmpty || endsEvent(left), "\(left.debugDescription)")
                    out += left
                }
                reply.output.removeAll(keepingCapacity: true)
                try reply.complete()
                #expect(out + String(decoding: reply.output.bytes, as: UTF8.self) == stream)
            }
        }
    }

    private func endsEvent(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let ends = [[10, 10], [13, 13], [10, 13], [10, 13, 10], [13, 10, 10], [13, 10, 13, 10]] as [[UInt8]]
        return ends.contains { bytes.suffix($0.count).elementsEqual($0) }
    }

    @Test("An event of many reads costs no more than its length")
    func longEvent() {
        let reply = reply()
        let piece = [UInt8](repeating: 0x61, count: 16_384)
        let took = ContinuousClock().measure {
            for _ in 0..<2_000 { #expect(take(reply, piece[...]).isEmpty) }
        }
        #expect(take(reply, [10, 10]).utf8.count == 2_000 * 16_384 + 2)
        #expect(took < .seconds(20))
    }

    @Test("An error of ours comes after whole events, with the next sequence number")
    func abort() {
        let reply = reply(.responses)
        _ = take(reply, Array("data: {\"sequence_number\": 41}\n\ndata: {".utf8)[...])
        reply.output.removeAll(keepingCapacity: true)
        reply.abort(ExchangeError(KIMI_CAT_NETWORK, "gone"))
        let text = String(decoding: reply.output.bytes, as: UTF8.self)
        #expect(text.hasPrefix("event: error\ndata: {\"type\":\"error\",\"sequence_number\":42,"))
        #expect(text.hasSuffix("}\n\n"))
    }

    @Test("Digits without end are no sequence number")
    func hugeNumber() {
        let reply = reply(.responses)
        let text = "data: {\"sequence_number\":" + String(repeating: "9", count: 40) + "}\n\n"
        #expect(take(reply, Array(text.utf8)[...]) == text)
    }

    @Test("A refusal is kept when it is the API's own, and no longer than the bound")
    func refusal() {
        for (body, isOwn) in [(#"{"error":{"message":"no"}}"#, true), (#"{"error":"no"}"#, false), ("no", false)] {
            let reply = NativeReply(.chat, requestID: "r", isStreaming: false, maxBytes: 1 << 30)
            reply.began(status: 429, isEvents: false)
            reply.stage(Array(body.utf8))
            reply.commit()
            #expect((reply.refusal != nil) == isOwn)
            #expect(reply.output.count == 0)
        }
    }

    private func whole(_ body: String, status: Int = 200, maxBytes: Int = 1 << 20) -> NativeReply {
        let reply = NativeReply(.embeddings, requestID: "r", isStreaming: false, maxBytes: maxBytes)
        reply.began(status: status, isEvents: false)
        reply.stage(Array(body.utf8))
        reply.commit()
        return reply
    }

    @Test(
        "A whole answer that is no JSON object is none", arguments: ["", " ", "[]", "{", "{}{}", "<p>", "\u{1f}\u{8b}"])
    func noObject(body: String) {
        let error = #expect(throws: ExchangeError.self) { try whole(body, status: 204).complete() }
        #expect(error?.message.contains("status 204") == true && error?.message.contains("not a JSON object") == true)
    }

    @Test("A redirect is no answer, whatever its body is")
    func redirect() {
        #expect(whole("{}", status: 302).failure?.message.contains("302") == true)
    }

    @Test("A whole answer and a single event have a bound")
    func bounds() throws {
        let fitting = whole("{}", maxBytes: 2)
        try fitting.complete()
        #expect(fitting.failure == nil && fitting.output.count == 2)
        #expect(whole("{} ", maxBytes: 2).failure?.code == "upstream_too_large")
        let stream = NativeReply(.chat, requestID: "r", isStreaming: true, maxBytes: 4)
        stream.began(status: 200, isEvents: true)
        #expect(take(stream, [1, 2, 3, 4]).isEmpty && stream.failure == nil)
        #expect(take(stream, [5]).isEmpty && stream.failure?.code == "upstream_too_large")
    }

    @Test(
        "A stream's last event may lack its blank line, but not the end of its line",
        arguments: [
            ("data: [DONE]", true), ("data:[DONE]\n", true), ("event: e\r\ndata: {\"a\":1}", true), (": c\n", true),
            ("data: {\"a\":", false), ("data: {\"a\":1}\nda", false), ("d", false),
        ])
    func lastLine(tail: String, isKept: Bool) throws {
        let reply = reply()
        #expect(take(reply, Array("data: 1\n\n\(tail)".utf8)[...]) == "data: 1\n\n")
        reply.output.removeAll(keepingCapacity: true)
        try reply.complete()
        #expect(String(decoding: reply.output.bytes, as: UTF8.self) == (isKept ? tail : ""))
    }
}
