import Enforcement
import Testing

@Suite struct AnswerReaderTests {
    /// The answer in the pieces' bytes.
    private func answer(_ pieces: [[UInt8]]) -> (String, Bool) {
        var reader = AnswerReader()
        var out: [UInt8] = []
        for piece in pieces { piece.withUnsafeBytes { reader.read($0, into: &out) } }
        return (String(decoding: out, as: UTF8.self), reader.hasAnswer)
    }

    static let cases: [(json: String, answer: String)] = [
        (#"{"final_answer":"It rains."}"#, "It rains."),
        (#" { "final_answer" : "  \n It rains." } "#, "It rains."),
        (#"{"final-answer":"a\"b\\c\/d\n\t\r\b\fé\u0041"}"#, "a\"b\\c/d\n\t\r\u{8}\u{C}éA"),
        (#"{"Final":"🌍 \ud83c\udf0d \uD83C\uDF0D"}"#, "🌍 🌍 🌍"),
        (#"{"x":{"final_answer":"no"},"y":["final"],"answer":"yes"}"#, "yes"),
        (#"{"n":12.5e3,"t":true,"s":"}\"{","summary":"All done"}"#, "All done"),
        (#"{"final_answer":"","answer":"second"}"#, "second"),
        (#"{"final_answer":" \n","the_summary":"second"}"#, "second"),
        (#"{"final_answer":"one","answer":"two"}"#, "one"),
        (#"{"raw":{"final_answer":"inside"}}"#, "inside"),
        (#"{"_raw":"{\"final_answer\":\"deep \\ud83c\\udf0d \\\"q\\\"\"}"}"#, "deep 🌍 \"q\""),
        (#""{\"answer\":\"whole text\"}""#, "whole text"),
        (#"{"final_answer":"half \ud83c"}"#, "half \u{FFFD}"),
        (#"{"final_answer":"half \ud83c\n low \udf0d"}"#, "half \u{FFFD}\n low \u{FFFD}"),
        (#"{"final_answer":"bad \uZZ01 \q"}"#, "bad \u{FFFD}ZZ01 q"),
        (#"{"final_answer":"cut off in the mid"#, "cut off in the mid"),
        (#"{"final_answer":null,"answer":7,"summary":{"answer":"x"}}"#, ""),
        ("{}", ""), ("", ""), ("null", ""), ("[1]", ""), ("final_answer: x", ""), (#"{"other":"x"}"#, ""),
        (#"{"final_answer" "x"}"#, ""),
    ]

    @Test(arguments: cases) func atEveryCut(_ one: (json: String, answer: String)) {
        let bytes = Array(one.json.utf8)
        #expect(answer([bytes]) == (one.answer, !one.answer.isEmpty))
        #expect(answer(bytes.map { [$0] }).0 == one.answer)
        for first in 0...bytes.count {
            for second in stride(from: first, through: bytes.count, by: 3) {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]].map(Array.init)
                #expect(answer(pieces).0 == one.answer, "cut at \(first) and \(second)")
            }
        }
    }

    @Test func textLeavesWhileTheJSONIsStillArriving() {
        var reader = AnswerReader()
        var out: [UInt8] = []
        Array(#"{"final_answer":"It ra"#.utf8).withUnsafeBytes { reader.read($0, into: &out) }
        #expect(String(decoding: out, as: UTF8.self) == "It ra" && reader.hasAnswer)
    }

    @Test func anyBytesAreSurvived() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]:,"\unfialswer_0123456789dD8 "#.utf8)
        for _ in 0..<2_000 {
            let bytes = (0..<60).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            let cut = Int.random(in: 0...60, using: &random)
            #expect(answer([bytes]).0 == answer([Array(bytes[..<cut]), Array(bytes[cut...])]).0)
        }
    }
}
