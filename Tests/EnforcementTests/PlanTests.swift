import Enforcement
import Testing

@Suite struct EnforcementPlanTests {
    private let tools = #""tools":[ {"type":"function","function":{"name":"weather"}} ]"#

    private func plan(_ messages: String, _ more: String? = nil, _ policy: EnforcementPolicy? = nil) -> EnforcementPlan
    {
        let more = more ?? tools
        return EnforcementPlan(
            Array("{\"model\":\"m\",\"messages\":\(messages)\(more.isEmpty ? "" : ",")\(more)}".utf8),
            policy ?? EnforcementPolicy(model: "m"))
    }

    private func edited(_ plan: EnforcementPlan) -> String? {
        guard case .on(let prepared) = plan else { return nil }
        return String(decoding: prepared.json, as: UTF8.self)
    }

    private func isOff(_ plan: EnforcementPlan) -> Bool {
        if case .off = plan { return true }
        return false
    }

    private func isStop(_ plan: EnforcementPlan) -> Bool {
        if case .stop = plan { return true }
        return false
    }

    @Test func ruleAndToolAreInsertedAndAllElseKeepsItsBytes() throws {
        let messages = #"[ {"role":"system",  "content":"Be \u0062rief."}, {"role":"user","content":"hi"} ]"#
        let json = try #require(edited(plan(messages)))
        let head = #"{"model":"m","messages":[ {"role":"system",  "content":"Be \u0062rief.\n\nEach of your replies"#
        #expect(json.hasPrefix(head))
        #expect(
            json.contains(
                #"before."}, {"role":"user","content":"hi"} ],"tools":[ {"type":"function","function":{"name":"weather"}} ,{"type":"function","function":{"name":"done""#
            ))
        #expect(json.hasSuffix(#""additionalProperties":false}}}]}"#))
    }

    @Test func theRuleGoesIntoTheLastTextOfTheFirstSystemMessage() throws {
        let parts =
            #"[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"","cache_control":{}}]},{"role":"system","content":"b"}]"#
        let json = try #require(edited(plan(parts)))
        #expect(json.contains(#"{"type":"text","text":"a"},{"type":"text","text":"Each of"#))
        #expect(json.contains(#"before.","cache_control":{}}]},{"role":"system","content":"b"}]"#))
        let none = try #require(edited(plan(#"[{"role":"user","content":"hi"}]"#)))
        #expect(
            none.contains(#""messages":[{"role":"system","content":"Each of"#)
                && none.contains(#"before."},{"role":"user""#))
    }

    @Test func itIsOffWithoutToolsAndWhereCallsAreNotWanted() {
        let user = #"[{"role":"user","content":"hi"}]"#
        #expect(isOff(plan(user, "")) && isOff(plan(user, #""tools":[]"#)) && isOff(plan(user, #""tools":null"#)))
        #expect(isOff(plan(user, tools + #","tool_choice":"none""#)))
        #expect(isOff(plan(user, tools + #","n":2"#)))
        #expect(!isOff(plan(user, tools + #","n":1,"tool_choice":"required""#)))
        #expect(!isOff(plan(user, tools + #","tool_choice":{"type":"function","function":{"name":"weather"}}"#)))
        let many = (0..<128).map { "{\"type\":\"function\",\"function\":{\"name\":\"t\($0)\"}}" }.joined(separator: ",")
        #expect(isOff(plan(user, "\"tools\":[\(many)]")))
    }

    @Test(arguments: ["", #""tools":[]"#, #""tools": null"#, #""temperature":1"#]) func orAlwaysOn(_ more: String)
        throws
    {
        let policy = EnforcementPolicy(model: "m", isForAll: true)
        let json = try #require(edited(plan(#"[{"role":"user","content":"hi"}]"#, more, policy)))
        #expect(json.contains(#"[{"type":"function","function":{"name":"done""#))
        #expect(isOff(EnforcementPlan(Array(json.utf8), EnforcementPolicy(model: "m"))) == false)
        #expect(isOff(plan("[]", #""functions":[{"name":"f"}]"#, policy)))
    }

    @Test func theClientsOwnDoneIsKept() throws {
        let own = #""tools":[{"type":"function","function":{"name":"Done"}}]"#
        guard case .on(let prepared) = plan(#"[{"role":"user","content":"hi"}]"#, own) else {
            Issue.record("off")
            return
        }
        let json = String(decoding: prepared.json, as: UTF8.self)
        #expect(
            json.hasSuffix(own + "}") && json.contains("in the way its description says") && prepared.names.hasOwnTool)
    }

    @Test func allowedToolsAllowItToo() throws {
        let choice =
            #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"weather"}}]}}"#
        let json = try #require(edited(plan(#"[{"role":"user","content":"hi"}]"#, tools + choice)))
        #expect(json.hasSuffix(#"{"name":"weather"}},{"type":"function","function":{"name":"done"}}]}}}"#))
    }

    @Test func messagesAreAppended() {
        let json = Array(#"{"messages":[{"role":"user"} ],"x":"]"}"#.utf8)
        let more = EnforcementPlan.request(json, adding: Array(#",{"role":"user"}"#.utf8))
        #expect(String(decoding: more, as: UTF8.self) == #"{"messages":[{"role":"user"} ,{"role":"user"}],"x":"]"}"#)
    }

    // MARK: Calls after the end

    private func print(_ text: String) -> TextPrint {
        var print = TextPrint()
        Array(text.utf8).withUnsafeBytes { print.add($0) }
        return print
    }

    @Test func onlyATextThatEndedAReplyStopsTheAgent() {
        let policy = EnforcementPolicy(model: "m")
        let text = #"[{"role":"user","content":"hi"},{"role":"assistant","content":"It is done. "}]"#
        #expect(!isStop(plan(text, nil, policy)), "a prefill is none")
        policy.answers.insert(print("It is\n done."), after: print("hi"))
        #expect(isStop(plan(text, nil, policy)))
        let parts =
            #"[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"It is"},{"type":"text","text":"done."}]}]"#
        #expect(isStop(plan(parts, nil, policy)))
        let asked = text.replacingOne("hi", with: "other")
        #expect(!isStop(plan(asked, nil, policy)), "it answered another question")
        #expect(!isStop(plan(text, "", policy)), "without tools there is nothing to ensure")
        let goesOn = text.dropLast() + #",{"role":"user","content":"more"}]"#
        #expect(!isStop(plan(String(goesOn), nil, policy)))
        let calls =
            #"[{"role":"user","content":"hi"},{"role":"assistant","content":"It is done.","tool_calls":[{"id":"1"}]}]"#
        #expect(!isStop(plan(calls, nil, policy)))
        policy.answers.insert(print(" \n"), after: print(""))
        #expect(!isStop(plan(#"[{"role":"assistant","content":""}]"#, nil, policy)))
    }

    private func todo(_ text: String, _ arguments: String, name: String = "TodoWrite", more: String = "") -> String {
        let call = #"{"id":"1","type":"function","function":{"name":"\#(name)","arguments":"\#(arguments)"}}"#
        return
            #"[{"role":"user","content":"hi"},{"role":"assistant","content":"\#(text)","tool_calls":[\#(call)\#(more)]},{"role":"tool","tool_call_id":"1","content":"ok"}]"#
    }

    @Test func aKimiThatWroteItsSummaryIsDone() {
        let kimi = EnforcementPolicy(model: "moonshotai/Kimi-K2")
        let done = #"{\"todos\":[{\"status\":\"completed\"}]}"#
        #expect(isStop(plan(todo("Summary of it", done), nil, kimi)))
        #expect(isStop(plan(todo("All CHANGES", "{}", name: "todowrite"), nil, kimi)))
        #expect(!isStop(plan(todo("Summary", done), nil, EnforcementPolicy(model: "gpt"))))
        #expect(!isStop(plan(todo("Fine", done), nil, kimi)))
        #expect(!isStop(plan(todo("Summary", done, name: "Write"), nil, kimi)))
        #expect(!isStop(plan(todo("Summary", done, more: #",{"id":"2"}"#), nil, kimi)))
        let open = #"{\"todos\":[{\"status\":\"completed\"},{\"status\":\"in_progress\"}]}"#
        #expect(!isStop(plan(todo("I make the changes", open), nil, kimi)))
    }

    @Test func whatTheAssistantSaidSinceTheUserCounts() {
        func read(_ messages: String) -> Bool? {
            guard case .on(let prepared) = plan(messages) else { return nil }
            return prepared.hasBeenRead
        }
        let call = #""tool_calls":[{"id":"1"}]},{"role":"tool","tool_call_id":"1","content":"r"}"#
        #expect(read(#"[{"role":"assistant","content":"x"},{"role":"user","content":"hi"}]"#) == false)
        #expect(
            read("[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"x\",\(call)]") == true)
        #expect(
            read("[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\" \\n\",\(call)]")
                == false)
    }

    @Test func answersAreBounded() {
        let answers = FinalAnswers()
        let question = print("question")
        for number in 0...FinalAnswers.maxEntries { answers.insert(print("answer \(number)"), after: question) }
        #expect(!answers.contains(print("answer 0"), after: question))
        #expect(answers.contains(print("answer 1"), after: question))
        #expect(!answers.contains(print("answer 1"), after: print("another")))
    }
}

extension String {
    fileprivate func replacingOne(_ word: String, with other: String) -> String {
        guard let range = firstRange(of: word) else { return self }
        return String(self[..<range.lowerBound] + other + self[range.upperBound...])
    }
}
