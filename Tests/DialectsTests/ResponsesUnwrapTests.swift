import CanonicalModel
import Dialects
import PluginABI
import Testing

@Suite struct ResponsesUnwrapTests {
    private func unwrap(_ pieces: [String]) throws -> (input: String, problems: [String]) {
        var steps: [Step] = [.start(), .begin(0, id: "c", name: "apply_patch_free")]
        steps += pieces.map { .arguments(0, $0) }
        steps += [.end(0), .finish("tool_calls")]
        let stream = try ResponsesStreamTests.encode(steps, ResponsesMaker.context, streaming: true)
        let checker = ResponsesChecker(stream)
        return (checker.inputs["c"] ?? "nothing", checker.problems)
    }

    static let cases: [(String, String)] = [
        (#"{"input":"plain"}"#, "plain"),
        (#"{"input":""}"#, ""),
        (#" { "input" : "a\n\t\"\\\/\u0041" } "#, "a\n\t\"\\/A"),
        (#"{"input":"\ud83d\ude00x"}"#, "😀x"),
        (#"{"input":"\ud83dx\ud83d\n\ude00\ud83d\ud83d\ude00"}"#, "\u{FFFD}x\u{FFFD}\n\u{FFFD}\u{FFFD}😀"),
        (#"{"input":"\ud83d\u12"}"#, "\u{FFFD}\\u12"),
        (#"{"input":"\d+ \u00e9 \uZZ"}"#, "\\d+ é \\uZZ"),
        ("{\"input\":\"raw\nline\"}", "raw\nline"),
        (#"{"why":{"input":"no","b":[1,"}"]},"input":"yes","more":1}"#, "yes"),
        (#"{"input":{"a":1}}"#, #"{"a":1}"#),
        (#"{"input":5}"#, "5"),
        (#"{"patch":"only"}"#, "only"),
        (#"{"a":"1","b":"2"}"#, #"{"a":"1","b":"2"}"#),
        (#"{"inp\u0075t":"x"}"#, "x"),
        (#""bare""#, "bare"),
        ("*** Begin Patch\n\"x\"", "*** Begin Patch\n\"x\""),
        ("{}", ""), ("", ""), ("[1]", "[1]"),
        (#"{"input":"日本語\u65e5"}"#, "日本語日"),
    ]

    @Test(arguments: cases) func `at every cut`(arguments: String, input: String) throws {
        let scalars = Array(arguments.unicodeScalars)
        func text(_ range: Range<Int>) -> String {
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars[range])
            return text
        }
        for first in 0...scalars.count {
            for second in Set([first, min(first + 1, scalars.count), scalars.count]) {
                let pieces = [text(0..<first), text(first..<second), text(second..<scalars.count)]
                let result = try unwrap(pieces)
                #expect(result.input == input, "\(pieces)")
                #expect(result.problems == [])
            }
        }
        #expect(try unwrap(scalars.indices.map { text($0..<$0 + 1) }).input == input)
    }

    @Test func `what was cut off stays as far as it came`() throws {
        #expect(try unwrap([#"{"input":"abc\u00"#]).input == "abc")
        #expect(try unwrap([#"{"input":"abc\ud83d"#]).input == "abc")
    }
}
