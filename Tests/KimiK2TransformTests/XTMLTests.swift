import KimiK2TransformLogic
import Testing

@Suite("K3's markup, as it streams")
struct XTMLTests {
    static let call =
        "<|open|>tools<|sep|><|open|>call tool=\"read\" index=\"1\"<|sep|><|open|>argument key=\"path\" type=\"string\""
        + "<|sep|>a<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>"

    @Test("text leaves at once; a call with its first bytes; a string as it comes") func increments() {
        var stream = Stream()
        #expect(stream.feed("<|open|>think<|sep|>hm").thinking == "hm")
        #expect(stream.feed(", yes<|close|>think<|sep|><|open|>resp").thinking == "hm, yes")
        #expect(stream.feed("onse<|sep|>Go").content == "Go")
        stream.feed("<|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"read\" index=\"1\"<|sep|>")
        #expect(stream.answer.calls.isEmpty)
        stream.feed("<|open|>argument key=\"path\" type=\"string\"<|sep|>/s")
        #expect(stream.answer.calls.map(\.name) == ["read"])
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "/s"#])
        #expect(stream.feed("rv <b>\n").calls.map(\.text) == [#"{"path": "/srv <b>\n"#])
        stream.feed("<|close|>argument<|sep|>")
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "/srv <b>\n"#])
        stream.feed("<|open|>argument key=\"n\" type=\"number\"<|sep|>1")
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "/srv <b>\n""#])
        stream.feed("<|close|>argument<|sep|><|close|>call<|sep|>")
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "/srv <b>\n", "n": 1}"#])
        #expect(stream.answer.calls.map(\.isEnded) == [true])
    }

    @Test("a prefilled thought leaves at once if the configuration says so") func prefilled() {
        var stream = Stream(NormaliserOptions(startsInThinking: .yes))
        #expect(stream.feed("First").thinking == "First")
        #expect(stream.feed("<|close|>think<|sep|><|open|>response<|sep|>Go").content == "Go")
    }

    @Test("calls may cross from the reasoning field to content, inside a value, too", arguments: 9..<150)
    func crossing(_ cut: Int) {
        var stream = Stream()
        let text = Array(Self.call.unicodeScalars)
        guard cut < text.count else { return }
        stream.feed("look", .reasoning)
        stream.feed(String(String.UnicodeScalarView(text[..<cut])), .reasoning)
        stream.feed(String(String.UnicodeScalarView(text[cut...])) + "Done.")
        stream.normaliser.finish(to: &stream.output)
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "a"}"#])
        #expect(stream.answer.thinking == "look")
        #expect(stream.answer.content == "Done.")
    }

    @Test("a call given as text and structured is one call") func repetition() {
        for textFirst in [true, false] {
            var stream = Stream()
            if textFirst { stream.feed(Self.call) }
            stream.structured("read", #"{"path":"a"}"#)
            if !textFirst { stream.feed(Self.call) }
            stream.structured("read", #"{"path":"b"}"#)
            stream.normaliser.finish(to: &stream.output)
            #expect(stream.output.finished("").breaches == [])
            #expect(stream.answer.calls.count == 2)
        }
    }

    @Test("a value that is too long to be kept goes on as a string; nothing is lost") func longValue() {
        let value = "[" + String(repeating: "1,", count: 600_000) + "1]"
        let head = "<|open|>call tool=\"f\"<|sep|><|open|>argument key=\"a\" type=\"array\"<|sep|>"
        for size in [1 << 22, 70_001] {
            var stream = Stream()
            stream.feed(head + value + "<|close|>argument<|sep|><|close|>call<|sep|>", size: size)
            #expect(stream.answer.calls.map(\.text) == ["{\"a\": \"\(value)\"}"])
            #expect(stream.normaliser.notes.drain().contains { $0.kind == "limit" })
        }
    }

    @Test("too much text in a call or in tools is text after all") func longText() {
        for head in ["<|open|>tools<|sep|>", "<|open|>call tool=\"f\"<|sep|>"] {
            let text = String(repeating: "word ", count: 20_000) + "end"
            for size in [1 << 22, 4095, 1000] {
                var stream = Stream()
                stream.feed(head + text, size: size)
                stream.normaliser.finish(to: &stream.output)
                #expect(stream.answer.content == text)
                #expect(stream.answer.calls.isEmpty)
            }
        }
    }

    @Test("a tag that is too long is text") func longTag() {
        let name = String(repeating: "東", count: 3000)
        for size in [1 << 22, 7, 1000] {
            var stream = Stream()
            stream.feed("<|open|>call tool=\"\(name)\"", size: size)
            stream.normaliser.finish(to: &stream.output)
            #expect(stream.answer.content == "call tool=\"\(name)\"")
        }
    }

    @Test("with a repair switched off its markup goes on as it came") func switches() {
        var options = NormaliserOptions()
        options.family = .k3
        options.repairs.remove(.inlineCalls)
        #expect(Stream.run("a<|close|>think<|sep|>" + Self.call, options).content == Self.call)
        options = NormaliserOptions()
        options.family = .k3
        options.repairs.remove(.thinking)
        let answer = Stream.run("a<|close|>think<|sep|>b", options)
        #expect(answer.content == "a<|close|>think<|sep|>b")
        options.repairs.remove(.markers)
        #expect(Stream.run("a<|sep|>b<|end_of_msg|>", options).content == "a<|sep|>b<|end_of_msg|>")
    }

    @Test("no bytes break it, wherever they are cut") func anyBytes() {
        let head = Array("<|open|>call tool=\"f\"<|sep|><|open|>argument key=\"a\" type=\"string\"<|sep|>".utf8)
        let tail = Array("<|close|>argument<|sep|><|close|>call<|sep|>".utf8)
        let bytes = head + [0, 0xFF, 0xE6, 0x3C, 0x7C, 0x80, 0x22, 0xF0, 0x9F, 0x3C] + tail
        for cut in 0...bytes.count {
            var stream = Stream()
            for part in [bytes[..<cut], bytes[cut...]] {
                Array(part).withUnsafeBytes { stream.normaliser.text(.content, $0, to: &stream.output) }
            }
            let expected =
                Array("{\"a\": \"\\u0000".utf8) + [0xFF, 0xE6, 0x3C, 0x7C, 0x80, 0x5C, 0x22, 0xF0, 0x9F, 0x3C]
            #expect(stream.answer.calls.map(\.arguments) == [expected + Array("\"}".utf8)])
        }
    }

    struct Stream {
        var normaliser: Normaliser
        var output = Collector()
        var answer: Answer { output.answer }

        init(_ options: NormaliserOptions = NormaliserOptions(startsInThinking: .no)) {
            var options = options
            options.family = .k3
            normaliser = Normaliser(options: options, tools: DeclaredTools([]))
        }

        static func run(_ text: String, _ options: NormaliserOptions) -> Answer {
            var stream = Stream(options)
            stream.feed(text)
            stream.normaliser.finish(to: &stream.output)
            return stream.answer
        }

        @discardableResult
        mutating func feed(_ text: String, _ channel: TextChannel = .content, size: Int = .max) -> Answer {
            var rest = text.unicodeScalars[...]
            while !rest.isEmpty {
                let piece = Array(String(String.UnicodeScalarView(rest.prefix(size))).utf8)
                rest = rest.dropFirst(size)
                piece.withUnsafeBytes { normaliser.text(channel, $0, to: &output) }
            }
            return answer
        }

        mutating func structured(_ name: String, _ arguments: String) {
            Array(name.utf8).withUnsafeBytes {
                normaliser.structuredBegin(0, id: UnsafeRawBufferPointer(start: nil, count: 0), name: $0, to: &output)
            }
            Array(arguments.utf8).withUnsafeBytes { normaliser.structuredArguments(0, $0, to: &output) }
            normaliser.structuredEnd(0, to: &output)
        }
    }
}
