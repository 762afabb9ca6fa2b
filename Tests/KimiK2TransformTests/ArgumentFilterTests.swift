import KimiK2TransformLogic
import Testing

@Suite("The filter of arguments, alone")
struct ArgumentFilterTests {
    @Test("clean arguments that fit their schema pass byte for byte, however they are cut", arguments: 0..<20)
    func clean(_ seed: Int) {
        var random = RandomJSON(seed: UInt64(seed) + 4711)
        for _ in 0..<150 {
            let (json, schema) = random.arguments()
            for text in [nil, schema] {
                for pieces in cuts(of: json, &random.generator) {
                    let result = run(pieces, schema: text)
                    guard result.text == json, result.notes == [] else {
                        Issue.record("seed \(seed): \(json) with \(schema) as \(pieces): \(result)")
                        return
                    }
                }
            }
        }
    }

    @Test(
        "broken arguments come out the same for every cut, and with nothing switched on as they are", arguments: 0..<20)
    func broken(_ seed: Int) {
        var random = RandomJSON(seed: UInt64(seed) + 815)
        for _ in 0..<150 {
            let (json, schema) = random.arguments()
            let text = mutated(json, &random.generator)
            let whole = run([text], schema: schema)
            for pieces in cuts(of: text, &random.generator) {
                let parts = run(pieces, schema: schema)
                guard parts.text == whole.text, parts.notes == whole.notes else {
                    Issue.record("seed \(seed): \(text) with \(schema) as \(pieces): \(parts), whole \(whole)")
                    return
                }
            }
            #expect(run([text], schema: schema, repairs: Self.nothing).text == text)
        }
    }

    @Test("what was repaired is not repaired again", arguments: 0..<10)
    func idempotent(_ seed: Int) {
        var random = RandomJSON(seed: UInt64(seed) + 99)
        for _ in 0..<200 {
            let (json, schema) = random.arguments()
            let once = run([mutated(json, &random.generator)], schema: schema)
            guard !once.notes.contains("invalid_arguments 1") else { continue }
            let again = run([once.text], schema: schema)
            #expect(again.text == once.text)
            let isOdd = once.text.contains("1e999") || once.text.contains("\\ud83d")
            #expect(isOdd || Case.canonical(once.text) != nil, "\(once.text)")
        }
    }

    static let number =
        #"{"type":"object","properties":{"n":{"type":"integer"},"a":{"type":"array"}},"required":["n"]}"#

    @Test(
        "counts and flags",
        arguments: [
            (#"{"n":"5"}"#, ["coercion 1"]), (#"{"n":"x"}"#, ["schema_mismatch 1"]), ("{}", ["schema_mismatch 1"]),
            (#"{"n":1.5}"#, ["schema_mismatch 1"]), (#"{"n":5.0}"#, []), (#"{"n":null}"#, ["schema_mismatch 1"]),
            (#"{"n":1,"a":"[1]"}"#, ["nested_encoding 1"]), (#"{"n":1,"a":"x"}"#, ["schema_mismatch 1"]),
            (#"{"n":1,}"#, ["json_syntax 1"]), ("{'n':'5',}", ["coercion 1", "json_syntax 1"]),
            (#"{"n":1"#, ["unclosed 1"]), (#"{"n":"#, ["invalid_arguments 1"]), ("oops", ["invalid_arguments 1"]),
            ("[1]", ["invalid_arguments 1", "schema_mismatch 1"]), (#"{"n":1,"s":"\#n"}"#, ["control_characters 1"]),
            (#"{"n":1,"s":"\d"}"#, ["invalid_arguments 1"]), (#"{"n":1} x"#, ["invalid_arguments 1"]),
        ] as [(String, [String])])
    func notes(_ text: String, _ expected: [String]) {
        #expect(run([text], schema: Self.number).notes == expected)
    }

    @Test(
        "each repair can be switched off",
        arguments: [
            (Repair.coercion, #"{"n":"5"}"#), (.nestedEncoding, #"{"n":1,"a":"[1]"}"#), (.jsonSyntax, #"{"n":1,}"#),
            (.jsonSyntax, "{'n': 1}"), (.jsonSyntax, #"{"n": 1, "b": True}"#), (.unclosed, #"{"n":1"#),
            (.controlCharacters, "{\"n\":1,\"s\":\"\n\"}"), (.emptyArguments, "[]"),
        ])
    func switches(_ repair: Repair, _ text: String) {
        var repairs = RepairSet.all
        #expect(run([text], schema: Self.number).text != text)
        repairs.remove(repair)
        #expect(run([text], schema: Self.number, repairs: repairs).text == text)
    }

    @Test("beyond a bound what is held goes on as it came") func bounds() {
        let long = "{'s': '" + String(repeating: "x", count: 70_000) + "'}"
        #expect(run([long], schema: nil).text == long)
        let list = #"{"n":1,"a":"["# + String(repeating: "1,", count: 140_000) + #"1]"}"#
        #expect(run([list], schema: Self.number).text == list)
        let deep = #"{"n":"# + String(repeating: "[", count: 100_000)
        #expect(run([deep], schema: Self.number).text == deep)
    }

    @Test("any bytes pass without harm") func bytes() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let bytes = (0..<40).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : Array("{}[]\",:'\\untfTFN-1.e".utf8).randomElement(using: &generator) ?? 0
            }
            var filter = ArgumentFilter(repairs: Self.nothing, schema: ParameterSchema(json: Array(Self.number.utf8)))
            let out = bytes.withUnsafeBytes { filter.feed($0) } + filter.finish(isCut: false)
            #expect(out == bytes)
        }
    }

    // MARK: - Help

    static let nothing: RepairSet = {
        var set = RepairSet.all
        for repair in Repair.allCases { set.remove(repair) }
        return set
    }()

    struct Result: Equatable {
        var text: String
        var notes: [String]
    }

    private func run(_ pieces: [String], schema: String?, repairs: RepairSet = .all) -> Result {
        var filter = ArgumentFilter(
            repairs: repairs, schema: schema.flatMap { ParameterSchema(json: Array($0.utf8)) })
        var out: [UInt8] = []
        for piece in pieces { out += Array(piece.utf8).withUnsafeBytes { filter.feed($0) } }
        out += filter.finish(isCut: false)
        return Result(
            text: String(decoding: out, as: UTF8.self),
            notes: filter.notes.drain().map { "\($0.kind) \($0.count)" }.sorted())
    }

    private func cuts(of text: String, _ generator: inout SeededGenerator) -> [[String]] {
        var result = [[text], Cuts.everyCharacter(text), Cuts.random(text, longest: 5, &generator)]
        if text.utf8.count < 80 { result += Cuts.single(text) }
        return result
    }

    /// One to three faults of the kinds that models make.
    private func mutated(_ json: String, _ generator: inout SeededGenerator) -> String {
        var text = json
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let faults = [
                ("}", ",}"), ("]", ", ]"), ("\"", "'"), ("true", "True"), ("null", "None"), ("5", "\"5\""), ("}", ""),
                ("[", "\"["), (":", ""), ("false", "\"false\""), ("{", "{{"), ("1", "\"1\""), (" ", "\n"), ("}", "}}"),
            ]
            guard let (old, new) = faults.randomElement(using: &generator) else { continue }
            let places = text.ranges(of: old)
            if let place = places.randomElement(using: &generator) {
                if old == "\"", new == "'", Bool.random(using: &generator) {
                    text = text.replacing("\"", with: "'")
                } else {
                    text.replaceSubrange(place, with: new)
                }
            }
        }
        return text
    }
}
