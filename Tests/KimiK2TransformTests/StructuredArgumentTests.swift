import KimiK2TransformLogic
import Testing

@Suite("Arguments of structured calls")
struct StructuredArgumentTests {
    static let begin = "<|tool_call_begin|>"
    static let middle = "<|tool_call_argument_begin|>"
    static let end = "<|tool_call_end|>"
    static let schema = Array(
        #"{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"string"}}}"#.utf8)
    static let tools = [
        DeclaredTool(name: "f", properties: ["n", "s"], parameters: schema),
        DeclaredTool(name: "bash", properties: ["command"]),
    ]

    /// Arguments, and the calls that they are.
    static let examples: [(String, [String])] = [
        (#"{"n":"5"}"#, ["f{\"n\":5}"]), (#"{"s":"<|tool_call_end|>"}"#, [#"f{"s":"<|tool_call_end|>"}"#]),
        ("", ["f{}"]), ("null", ["f{}"]), (#""""#, ["f{}"]), ("[]", ["f{}"]), ("  \n", ["f{}"]),
        (#""{\"n\":\"1\"}""#, [#"f{"n":1}"#]), ("```json\n{\"n\":1}\n```", [#"f{"n":1}"#]),
        ("{'n': '1',}", [#"f{"n": 1}"#]), ("words", ["fwords"]), (#"{"n":1}}"#, [#"f{"n":1}"#]),
        (#"{"n":1}{"n":"2"}{"n":3}"#, [#"f{"n":1}"#, #"f{"n":2}"#, #"f{"n":3}"#]),
        (#"{"n":1}, {"n":2}"#, [#"f{"n":1}"#, #"f{"n":2}"#]), (#"{"n":1} {oops}"#, [#"f{"n":1}"#]),
        (#"{"n":1} or {"n":2}"#, [#"f{"n":1}"#]),
        (
            #"{"n":1}\#(end)\#(begin)functions.bash:1\#(middle){"command":"ls"}"#,
            [#"f{"n":1}"#, #"bash{"command":"ls"}"#]
        ),
        (#"{"n":1}\#(begin)functions.bash:1\#(middle){"command":"ls"}"#, [#"f{"n":1}"#, #"bash{"command":"ls"}"#]),
        (
            "{\"n\":1}\n\(end)\n\(begin) functions.bash:1 \(middle)"
                + "\n{\"command\":\"ls\"}\n\(end)\(begin)functions.f:2\(middle){\"n\":\"3\"}",
            [#"f{"n":1}"#, #"bash{"command":"ls"}"#, #"f{"n":3}"#]
        ),
        (#"{"n":1\#(end)\#(begin)functions.f:1\#(middle){"n":2}\#(end)"#, [#"f{"n":1}"#, #"f{"n":2}"#]),
        (#"{"n":1}<|tool_calls_section_end|>"#, [#"f{"n":1}"#]),
        (#"{"n":1}<|tool_calls_section_end|> and more"#, [#"f{"n":1}"#]), (#"{"n":1}\#(end)\#(begin)"#, [#"f{"n":1}"#]),
        (#"{"n":1}\#(end)\#(begin)functions.bash:1"#, [#"f{"n":1}"#]), (#"\#(middle){"n":1}"#, [#"f{"n":1}"#]),
        (#"\#(begin)functions.f:0\#(middle){"n":1}\#(end)"#, [#"f{"n":1}"#]), (#"{"n":1}<|tool_cal"#, [#"f{"n":1}"#]),
        (#"{"n":<|tool_cal}"#, [#"f{"n":<|tool_cal}"#]), (#"{"n":<think>}"#, [#"f{"n":<think>}"#]),
        (#"{"n":1,"s":"a<|"#, [#"f{"n":1,"s":"a<|"#]), (#"{"n":1"#, [#"f{"n":1}"#]),
    ]

    @Test("are the same calls whole, in two pieces, and byte by byte", arguments: examples.indices)
    func cuts(_ at: Int) {
        let (text, expected) = Self.examples[at]
        #expect(calls([text]) == expected, "\(text)")
        for pieces in Cuts.single(text) + [Cuts.everyCharacter(text)] {
            let found = calls(pieces)
            guard found == expected else {
                Issue.record("\(text) as \(pieces): \(found)")
                return
            }
        }
    }

    @Test("that were cut are left, unless the upstream says that they are whole") func cut() {
        #expect(calls([#"{"n":1"#], reason: "length") == [#"f{"n":1"#])
        #expect(calls([#"{"n":1"#], reason: nil) == [#"f{"n":1"#])
        #expect(calls([#"{"n":1"#], reason: "stop") == [#"f{"n":1}"#])
    }

    @Test("leave as they come, with a switched off repair too") func switches() {
        #expect(calls([#"{"n":"5"}"#], without: [.coercion]) == [#"f{"n":"5"}"#])
        #expect(calls([""], without: [.emptyArguments]) == ["f"])
        #expect(calls(["null"], without: [.emptyArguments]) == ["fnull"])
        #expect(calls([#""{\"n\":1}""#], without: [.doubleEncoded]) == [#"f"{\"n\":1}""#])
        #expect(calls(["```{}```"], without: [.fenced]) == ["f```{}```"])
        #expect(calls(["json\n{}"], without: [.fenced]) == ["fjson\n{}"])
        #expect(calls([#"{"n":1}{"n":2}"#], without: [.splitCalls]) == [#"f{"n":1}"#])
        #expect(calls([#"{"n":1} x"#], without: [.trailingGarbage]) == [#"f{"n":1} x"#])
        #expect(calls(["\u{FEFF}{}"], without: [.controlCharacters]) == ["f\u{FEFF}{}"])
        let markup = #"{"n":1}\#(Self.end)"#
        #expect(calls([markup], without: [.splitCalls, .trailingGarbage]) == ["f" + markup])
    }

    @Test("count what was done to them") func counts() {
        #expect(notes([#"{"n":1}"#]) == [])
        #expect(notes([""]) == ["empty_arguments 1"])
        #expect(notes(["```json\n{}```"]) == ["fenced 1"])
        #expect(notes([#""{\"n\":\"1\"}""#]) == ["coercion 1", "double_encoded 1"])
        #expect(notes([#""""#]) == ["double_encoded 1", "empty_arguments 1"])
        #expect(notes([#"{"n":1}{"n":2}"#]) == ["split_calls 1"])
        #expect(notes([#"{"n":1}{oops}"#]) == ["trailing_garbage 1"])
        #expect(notes([#"{"n":1}}"#]) == ["trailing_garbage 1"])
        #expect(notes([#"{"n":1}\#(Self.end)\#(Self.begin)functions.f:1\#(Self.middle){"n":2}"#]) == ["split_calls 1"])
        #expect(notes(["oops"]) == ["invalid_arguments 1"])
        #expect(notes([#"{"n":"x"}"#]) == ["schema_mismatch 1"])
    }

    @Test("come out of text just as well, with the same counts", arguments: examples.indices)
    func text(_ at: Int) {
        let (text, expected) = Self.examples[at]
        // Markup around a call means other things in text.
        guard !text.contains("<|"), !text.isEmpty else { return }
        let whole = "<|tool_calls_section_begin|>\(Self.begin)functions.f:0\(Self.middle)\(text)\(Self.end)"
        var normaliser = Self.normaliser([])
        var output = Collector()
        Array(whole.utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
        normaliser.finish(to: &output)
        #expect(output.answer.calls.map { $0.name + $0.text } == expected)
        #expect(output.answer.content == "")
        #expect(Self.described(&normaliser) == notes([text]))
    }

    // MARK: - Help

    private static func normaliser(_ without: [Repair]) -> Normaliser {
        var options = NormaliserOptions(startsInThinking: .no)
        for repair in without { options.repairs.remove(repair) }
        return Normaliser(options: options, tools: DeclaredTools(tools))
    }

    /// What is counted about arguments; where a call came from and what it is called are not their business.
    private static func described(_ normaliser: inout Normaliser) -> [String] {
        let others = ["ids", "inline_calls"]
        return normaliser.notes.drain().filter { !others.contains($0.kind) }.map { "\($0.kind) \($0.count)" }.sorted()
    }

    private func feed(
        _ pieces: [String], _ without: [Repair], _ reason: String?
    ) -> (calls: [String], notes: [String]) {
        var normaliser = Self.normaliser(without)
        var output = Collector()
        Array("f".utf8).withUnsafeBytes {
            normaliser.structuredBegin(0, id: UnsafeRawBufferPointer(start: nil, count: 0), name: $0, to: &output)
        }
        for piece in pieces {
            Array(piece.utf8).withUnsafeBytes { normaliser.structuredArguments(0, $0, to: &output) }
        }
        normaliser.structuredEnd(0, to: &output)
        normaliser.finish(upstreamReason: reason, to: &output)
        #expect(output.finished("").breaches == [])
        return (output.answer.calls.map { $0.name + $0.text }, Self.described(&normaliser))
    }

    private func calls(_ pieces: [String], without: [Repair] = [], reason: String? = "tool_calls") -> [String] {
        feed(pieces, without, reason).calls
    }

    private func notes(_ pieces: [String]) -> [String] { feed(pieces, [], "tool_calls").notes }
}
