import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// Every value of a random conversation is in the canonical request: texts decoded to the same characters, arguments
/// and signatures byte for byte, in the order in which the client said them.
@Suite struct ConversationTests {
    @Test(arguments: 0..<4) func `nothing of a Messages request is lost`(shard: Int) throws {
        for round in 0..<150 * Rounds.factor {
            var maker = ConversationMaker(Rounds.generator("messages", shard, round))
            let body = maker.messages()
            let decoded = try Array(body.utf8).withBytes { try MessagesDecoder.decode($0, parser: JSONParser()) }
            try check(decoded, body, maker, Rounds.place(shard, round))
        }
    }

    @Test(arguments: 0..<4) func `nothing of a Responses request is lost`(shard: Int) throws {
        for round in 0..<150 * Rounds.factor {
            var maker = ConversationMaker(Rounds.generator("responses", shard, round))
            let body = maker.responses()
            let decoded = try Array(body.utf8).withBytes { try ResponsesDecoder().decode($0, parser: JSONParser()) }
            try check(decoded.request, body, maker, Rounds.place(shard, round))
        }
    }

    private func check(_ decoded: DecodedRequest, _ body: String, _ maker: ConversationMaker, _ place: String) throws {
        let parser = JSONParser()
        let root = try parser.parse(decoded.json)
        var texts: [String] = []
        Self.collect(root, &texts)
        let all = texts.joined(separator: "\n")
        let canonical = String(decoding: decoded.json, as: UTF8.self)
        for mark in maker.marks where !all.contains(mark) {
            Issue.record("\(place): \(mark) is lost\n\(body)\n\(canonical)\n\(decoded.dropped)")
            return
        }
        #expect(decoded.dropped.isEmpty, "\(place): \(decoded.dropped)")
        var found: [String: String] = [:]
        for message in root["messages"]?.elements.map({ $0 }) ?? [] {
            for call in message["tool_calls"]?.elements.map({ $0 }) ?? [] {
                found[call["id"]?.string ?? ""] = call["function"]?["arguments"]?.string
            }
        }
        for (id, arguments) in maker.arguments where found[id]?.utf8.elementsEqual(arguments.utf8) != true {
            Issue.record("\(place): arguments of \(id): \(arguments) became \(found[id] ?? "nothing")")
            return
        }
        for signature in maker.signatures where !texts.contains(signature) {
            Issue.record("\(place): the signature \(signature) changed\n\(canonical)")
            return
        }
    }

    /// All strings and names, strings that hold JSON opened too.
    private static func collect(_ value: JSONValue, _ texts: inout [String]) {
        if let text = value.string { texts.append(text) }
        for element in value.elements { collect(element, &texts) }
        for (key, member) in value.members {
            texts.append(String(decoding: key, as: UTF8.self))
            collect(member, &texts)
        }
    }
}
