import KimiK2TransformLogic
import Testing

@Suite("Other families' markup in bytes of any kind")
struct ForeignByteTests {
    static let words: [[UInt8]] =
        [
            "<tool_call>", "</tool_call>", "<function=read>", "<function=\"read\">", "</function>", "<parameter=path>",
            "<parameter name=\"a\">", "</parameter>", "<invoke name=\"read\">", "</invoke>", "<function_calls>",
            "</function_calls>", "<exec>", "</exec>", "{\"name\":\"read\",\"arguments\":{\"path\":\"é\"}}", "{", "\"",
            "}",
            "[", "read", "rea", "`", "\n", " ", "<", "<t", "<|tool_call_begin|>", "<|tool_call_end|>", "</think>",
            "<|tool_call_begin|>read:0<|tool_call_argument_begin|>{}<|tool_call_end|>", "東", "\r\n", "\0",
        ].map { Array($0.utf8) } + [[0xFF], [0xE2], [0xE2, 0x97], [0x80], [0xC3], [0xF0, 0x9F]]

    @Test("the same comes out for every cut", arguments: 0..<12)
    func anyBytes(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) + 31)
        for _ in 0..<400 {
            let input = (0..<Int.random(in: 1...16, using: &generator)).flatMap { _ in
                Self.words.randomElement(using: &generator) ?? []
            }
            let whole = Self.answer(input, input.count)
            for piece in [1, 2, Int.random(in: 3...9, using: &generator)] {
                guard Self.answer(input, piece) == whole else {
                    Issue.record("\(String(decoding: input, as: UTF8.self).debugDescription) in pieces of \(piece)")
                    return
                }
            }
        }
    }

    @Test("what is held ends at its limit, whatever the bytes") func limit() {
        for filler in [[UInt8(ascii: "x")], [0x80], Array("é".utf8), [0x3E], Array("<b>".utf8)] {
            var input = Array("<function=read><parameter=path>".utf8)
            while input.count < 80_000 { input += filler }
            var options = NormaliserOptions(startsInThinking: .no)
            options.repairs.remove(.noContent)
            var normaliser = Normaliser(options: options, tools: DeclaredTools([DeclaredTool(name: "read")]))
            var output = ByteCollector()
            input.withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
            #expect(output.text.count > 70_000)
            normaliser.finish(to: &output)
            #expect(output.text == input)
        }
    }

    private static func answer(_ input: [UInt8], _ piece: Int) -> ByteCollector {
        let tools = [DeclaredTool(name: "read", properties: ["path", "a"]), DeclaredTool(name: "exec")]
        var normaliser = Normaliser(options: NormaliserOptions(startsInThinking: .no), tools: DeclaredTools(tools))
        var output = ByteCollector()
        for start in stride(from: 0, to: input.count, by: piece) {
            Array(input[start..<min(input.count, start + piece)]).withUnsafeBytes { bytes in
                if let target = normaliser.cleanTarget(.content, bytes) {
                    output.text(target, bytes, transient: false)
                } else {
                    normaliser.text(.content, bytes, to: &output)
                }
            }
        }
        normaliser.finish(to: &output)
        return output
    }

    /// What came out, as bytes.
    struct ByteCollector: NormalisedOutput, Equatable {
        var text: [UInt8] = []
        var calls: [UInt8] = []

        mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) { text += bytes }
        mutating func toolBegin(_ index: UInt32, id: String, name: String) {
            calls += Array("\(index)#\(id) \(name)".utf8)
        }
        mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
            calls += bytes
        }
        mutating func toolEnd(_ index: UInt32) { calls += Array(";".utf8) }
    }
}
