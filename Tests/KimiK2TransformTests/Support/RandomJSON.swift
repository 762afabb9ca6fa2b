/// JSON at random, with a schema that it fits.
struct RandomJSON {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// An object and the schema of its members.
    mutating func arguments() -> (json: String, schema: String) { object(depth: 3) }

    private mutating func pick(_ words: [String]) -> String { words.randomElement(using: &generator) ?? "" }

    mutating func blank() -> String { pick(["", "", "", " ", "\n  ", "\t", "\r\n"]) }

    mutating func string() -> String {
        let parts = [
            "a", "5", "true", "None", ",}", ",]", "'", "{", "[1]", #"\""#, #"\\"#, #"\n"#, #"\u00e9"#, #"\ud83d"#, "東京",
            "<b>",
            "<|tool_call", "/", #"\/"#, " ", "\u{7F}", #"{\"a\":1}"#,
        ]
        return "\"" + (0..<Int.random(in: 0...5, using: &generator)).map { _ in pick(parts) }.joined() + "\""
    }

    private mutating func value(depth: Int) -> (json: String, schema: String) {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
        case 0: (string(), pick([#"{"type":"string"}"#, #"{"type":["string","integer"]}"#, "{}", "true"]))
        case 1:
            (pick(["0", "-7", "12345678901234567890", "5"]), pick([#"{"type":"integer"}"#, #"{"type":"number"}"#]))
        case 2: (pick(["1.5", "-0.0", "1e999", "2E-3", "5.0"]), #"{"type":"number"}"#)
        case 3:
            (
                pick(["true", "false"]),
                pick([#"{"type":"boolean"}"#, #"{"anyOf":[{"type":"boolean"},{"type":"null"}]}"#])
            )
        case 4: ("null", pick([#"{"type":"null"}"#, #"{"type":"integer","nullable":true}"#, "{}"]))
        case 5: (string(), ##"{"anyOf":[{"type":"integer"},{"$ref":"#/$defs/text"}]}"##)
        case 6: array(depth: depth)
        default: object(depth: depth - 1)
        }
    }

    private mutating func array(depth: Int) -> (json: String, schema: String) {
        let number = Bool.random(using: &generator)
        let items = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            blank() + (number ? pick(["1", "-2", "30"]) : string()) + blank()
        }
        let kind = number ? "integer" : "string"
        return ("[" + items.joined(separator: ",") + blank() + "]", #"{"type":"array","items":{"type":"\#(kind)"}}"#)
    }

    private mutating func object(depth: Int) -> (json: String, schema: String) {
        var members: [String] = []
        var properties: [String] = []
        for index in 0..<Int.random(in: 0...4, using: &generator) {
            let (json, schema) = value(depth: depth)
            members.append("\(blank())\"m\(index)\"\(blank()):\(blank())\(json)\(blank())")
            properties.append("\"m\(index)\":\(schema)")
        }
        let definitions = #""$defs":{"text":{"type":"string"}}"#
        return (
            "{" + members.joined(separator: ",") + blank() + "}",
            #"{"type":"object","properties":{\#(properties.joined(separator: ","))},\#(definitions)}"#
        )
    }
}
