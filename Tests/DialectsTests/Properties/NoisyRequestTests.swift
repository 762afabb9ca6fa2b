import Testing

/// The fuzzers' properties on requests that random generators made and then damaged: see `DecoderCheck`.
@Suite struct NoisyRequestTests {
    @Test(arguments: DecoderCheck.Kind.allCases, 0..<2) func `damaged requests`(kind: DecoderCheck.Kind, shard: Int) {
        for round in 0..<300 * Rounds.factor {
            var random = Rounds.generator("noise \(kind)", shard, round)
            var maker = ConversationMaker(random)
            var body = Array((kind == .responses ? maker.responses() : maker.messages()).utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) { damage(&body, &random) }
            if let fault = body.withUnsafeBytes({ DecoderCheck.fault(kind, $0) }) {
                Issue.record("\(Rounds.place(shard, round)): \(fault)\n\(String(decoding: body, as: UTF8.self))")
                return
            }
        }
    }

    private func damage(_ body: inout [UInt8], _ random: inout SplitMix) {
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: body[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: body.removeSubrange(place..<min(body.count, place + Int.random(in: 1...9, using: &random)))
        case 2: body.insert(contentsOf: body[place..<min(body.count, place + 40)], at: place)
        default:
            let values = ["null", "5", "[]", "{}", "\"x\"", "true", ",", "\"model\":\"m\","]
            body.insert(contentsOf: (values.randomElement(using: &random) ?? "").utf8, at: place)
        }
        if body.isEmpty { body = [0x7B] }
    }
}
