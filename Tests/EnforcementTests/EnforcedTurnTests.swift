import CanonicalModel
import Enforcement
import PluginABI
import Testing

@Suite struct EnforcedTurnTests {
    private func turn(_ own: [String] = [], attempts: Int = 3, read: Bool = false, joins: Bool = true) -> EnforcedTurn {
        EnforcedTurn(
            names: TerminationNames(own: own), attempts: attempts, hasBeenRead: read, joinsThoughts: joins)
    }

    private func run(_ lines: [Script.Line], _ turn: EnforcedTurn? = nil) -> ([String], EnforcedTurn) {
        var turn = turn ?? self.turn()
        var out: [String] = []
        turn.take(lines, into: &out)
        return (out, turn)
    }

    @Test func aReplyWithACallPassesAsItIs() {
        let lines = [Script.start(), .init(type: KIMI_EVENT_TEXT, a: "hm")] + Script.call(0, "weather", "{}")
        var (out, turn) = run(lines + [Script.finish("tool_calls")])
        #expect(out == ["start", "text hm", "begin 0 weather", "args 0 {}", "end 0"])
        #expect(turn.verdict == .accept(.call))
        turn.finished(into: &out)
        #expect(out.last == "finish tool_calls ")
    }

    @Test func textAloneIsRejectedAndGoesBackUp() {
        var (out, turn) = run([
            Script.thought("t1 "), Script.thought("t2"), Script.text("Let \"me\""), Script.finish("stop"),
        ])
        #expect(out == ["thought t1 ", "thought t2", #"text Let "me""#])
        #expect(turn.verdict == .again(.toolCall))
        let up = String(decoding: turn.again(.toolCall), as: UTF8.self)
        #expect(
            up.hasPrefix(
                #",{"role":"assistant","content":"Let \"me\"","reasoning_content":"t1 t2"},{"role":"user","content":"Reminder"#
            ))
        #expect(turn.number == 2 && turn.isUntouched)
        out = []
        turn.take([Script.start(), Script.start(), Script.thought("x"), Script.text("y")], into: &out)
        #expect(out == ["start", "thought \n\n", "thought x", "text \n\n", "text y"])
        #expect(!turn.isUntouched)
    }

    @Test func signedThoughtsGoBackAsTheyCameAndAreNotChanged() {
        var (_, turn) = run(
            [
                Script.thought("a"), Script.thought("", signature: "s1"), Script.thought("b", signature: "s2"),
                Script.text("x"), Script.finish("stop"),
            ], turn(joins: false))
        let up = String(decoding: turn.again(.toolCall), as: UTF8.self)
        #expect(
            up.contains(
                #""thinking_blocks":[{"type":"thinking","thinking":"a","signature":"s1"},{"type":"thinking","thinking":"b","signature":"s2"}]"#
            ))
        #expect(up.contains(#""reasoning_content":"a\n\nb""#))
        var out: [String] = []
        turn.take([Script.thought("c", signature: "s3")], into: &out)
        #expect(out == ["thought c"])
    }

    @Test func membersOfTheMessageGoBack() {
        let blocks = #"[{"type":"thinking","thinking":"a","signature":"s"},{"type":"redacted_thinking","data":"d"}]"#
        var (_, turn) = run([
            Script.thought("a", signature: "s"), Script.text("x"), Script.member("thinking_blocks", blocks),
            Script.member("reasoning_details", #"[{"a":1}]"#), Script.member("reasoning_details", #"[{"b":2}]"#),
            Script.member("extra_content", #"{"google":{}}"#), Script.finish("stop"),
        ])
        let up = String(decoding: turn.again(.toolCall), as: UTF8.self)
        #expect(
            up.contains(
                #""thinking_blocks":\#(blocks),"reasoning_details":[{"a":1},{"b":2}],"extra_content":{"google":{}}}"#))
    }

    @Test func aThoughtThatIsToldTwiceGoesBackOnce() {
        let details = #"[{"type":"reasoning.text","text":"a","signature":"s\/1"}]"#
        var (_, turn) = run([
            Script.thought("a", signature: "s/1"), Script.text("x"), Script.member("reasoning_details", details),
            Script.finish("stop"),
        ])
        let up = String(decoding: turn.again(.toolCall), as: UTF8.self)
        #expect(up.contains(#""reasoning_details":\#(details)"#) && !up.contains("thinking_blocks"))
    }

    @Test func anEmptyReplyDoesNotGoBack() {
        var (_, turn) = run([Script.thought("only"), Script.finish("stop")])
        #expect(turn.verdict == .again(.toolCall))
        #expect(String(decoding: turn.again(.toolCall), as: UTF8.self).hasPrefix(#",{"role":"user","#))
    }

    @Test func theLastAttemptIsSpent() {
        var (out, turn) = run([Script.text("a\n"), Script.finish("stop")], turn(attempts: 2))
        _ = turn.again(.toolCall)
        turn.take([Script.text("b"), Script.finish("stop")], into: &out)
        #expect(turn.verdict == .accept(.spent))
        turn.finished(into: &out)
        #expect(out == ["text a\n", "text \n", "text b", "finish stop "])
    }

    @Test(arguments: ["length", "content_filter", "max_tokens", "MAX_TOKENS", "refusal"])
    func whatWasCutIsNoMatterOfCalls(_ reason: String) {
        #expect(run([Script.text("a"), Script.finish(reason)]).1.verdict == .accept(.cut))
        #expect(run([Script.text("a")]).1.verdict == .accept(.cut))
        #expect(run([Script.member("refusal", #""no""#), Script.finish("stop")]).1.verdict == .accept(.cut))
        #expect(run([Script.member("refusal", "null"), Script.finish("stop")]).1.verdict == .again(.toolCall))
    }

    // MARK: The termination tool

    @Test func itsAnswerIsTextAndItIsGone() {
        let lines = [Script.start()] + Script.call(0, "Final", #"{"final_answer":"It \u0041"}"#)
        var (out, turn) = run(lines + [Script.finish("tool_calls", "tool_use")])
        #expect(turn.verdict == .accept(.answer))
        turn.finished(into: &out)
        #expect(out == ["start", "text It A", "finish stop stop"])
    }

    @Test func everyCutOfItsArgumentsIsTheSame() {
        let json = #"{"x":[1,"}"],"final_answer":"a\u00e9\ud83c\udf0d\n\"z\""}"#
        for first in 0...json.count {
            for second in first...json.count {
                let characters = Array(json)
                let pieces = [characters[..<first], characters[first..<second], characters[second...]]
                let lines = [Script.begin(0, "done")] + pieces.map { Script.arguments(0, String($0)) }
                let (out, turn) = run(lines + [Script.end(0), Script.finish("stop")])
                #expect(texts(out) == "aé🌍\n\"z\"" && turn.verdict == .accept(.answer))
            }
        }
    }

    @Test func besideCallsItIsTakenOutAndTheyAreRenumbered() {
        let lines =
            [Script.text("Now.")] + Script.call(0, "done", #"{"answer":"A"}"#) + Script.call(1, "map", "{}")
            + Script.call(2, "15", "{}") + Script.call(3, "time", "{}")
        var (out, turn) = run(lines + [Script.finish("tool_calls")])
        turn.finished(into: &out)
        #expect(turn.verdict == .accept(.call))
        #expect(
            out == [
                "text Now.", "text \n\n", "text A", "begin 0 map", "args 0 {}", "end 0", "begin 1 time", "args 1 {}",
                "end 1", "finish tool_calls ",
            ])
    }

    @Test func withoutAnAnswerOneIsDemandedUnlessSomethingWasSaid() {
        let lines = Script.call(0, "done", "{}", id: "c1") + [Script.finish("tool_calls")]
        #expect(run(lines, turn(read: true)).1.verdict == .accept(.answer))
        #expect(run([Script.text("x")] + lines).1.verdict == .accept(.answer))
        var (out, turn) = run(lines)
        #expect(out.isEmpty && turn.verdict == .again(.finalAnswer))
        let up = String(decoding: turn.again(.finalAnswer), as: UTF8.self)
        #expect(
            up.contains(
                #"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"done","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"Reminder"#
            ))
    }

    @Test func aCallWithoutIdOrJSONGoesBackLegally() {
        var (_, turn) = run([Script.begin(0, "15"), Script.arguments(0, "oops"), Script.finish("stop")])
        let up = String(decoding: turn.again(.finalAnswer), as: UTF8.self)
        #expect(up.contains(#""id":"call_done_1_0","type":"function","function":{"name":"15","arguments":"{}"}"#))
        #expect(up.contains(#""tool_call_id":"call_done_1_0""#))
    }

    @Test func whatWasSaidInAnEarlierAttemptCounts() {
        var (out, turn) = run([Script.text("said"), Script.finish("stop")])
        _ = turn.again(.toolCall)
        turn.take(Script.call(0, "done", "{}") + [Script.finish("tool_calls")], into: &out)
        #expect(turn.verdict == .accept(.answer))
    }

    @Test func theClientsOwnToolIsTheClients() {
        let (out, turn) = run(Script.call(0, "done", #"{"x":1}"#) + [Script.finish("tool_calls")], turn(["Done"]))
        #expect(out == ["begin 0 done", #"args 0 {"x":1}"#, "end 0"] && turn.verdict == .accept(.call))
    }

    @Test func companionsOfCallsFollowTheirNumbers() {
        let extras = #"[{"index":0,"sig":"a"},{"index":1,"sig":"b"}]"#
        let (out, _) = run(
            Script.call(0, "done", "{}") + Script.call(1, "map", "{}") + [Script.member("tool_call_extras", extras)])
        #expect(out.last == #"json tool_call_extras [{"index":0,"sig":"b"}]"#)
        var (none, turn) = run(
            Script.call(0, "done", "{}", id: "c") + [Script.member("tool_call_extras", #"[{"index":0,"sig":"a"}]"#)])
        #expect(none.isEmpty)
        #expect(String(decoding: turn.again(.finalAnswer), as: UTF8.self).contains(#""arguments":"{}"},"sig":"a"}]"#))
    }

    // MARK: Usage

    @Test func usageIsTheSumOfTheAttempts() {
        let one = #"{"prompt_tokens":10,"completion_tokens":5,"cost":0.1,"d":{"cached":3},"tier":"a"}"#
        let two = #"{"prompt_tokens":20,"completion_tokens":1,"cost":0.2,"d":{"cached":4,"new":1},"tier":"b"}"#
        var (out, turn) = run([Script.usage(one, 10, 5), Script.text("x"), Script.finish("stop")])
        #expect(out.first == "usage \(one) 10 5" && turn.tokens == (10, 5))
        _ = turn.again(.toolCall)
        out = []
        turn.take([Script.usage("", 20, -1), Script.usage(two, 20, 1)], into: &out)
        let sum = #"{"prompt_tokens":30,"completion_tokens":6,"cost":0.3,"d":{"cached":7,"new":1},"tier":"b"}"#
        #expect(out == ["usage  30 5", "usage \(sum) 30 6"])
        _ = turn.again(.toolCall)
        out = []
        turn.take([Script.usage(#"{"prompt_tokens":1}"#, 1, 1)], into: &out)
        #expect(
            out == [
                #"usage {"prompt_tokens":31,"completion_tokens":6,"cost":0.3,"d":{"cached":7,"new":1},"tier":"b"} 31 7"#
            ])
    }

    @Test func anAttemptThatIsMadeAgainCountsOnce() {
        var (out, turn) = run([Script.usage("", 1, 1), Script.text("x"), Script.finish("stop")])
        _ = turn.again(.toolCall)
        turn.take([Script.usage("", 5, 5)], into: &out)
        #expect(turn.isUntouched)
        turn.restart()
        turn.take([Script.usage("", 7, 7)], into: &out)
        #expect(out.last == "usage  8 8" && turn.number == 2)
    }

    @Test func moreThanIsKeptIsNotSentBack() {
        let (_, turn) = run([Script.text(String(repeating: "x", count: (4 << 20) + 1)), Script.finish("stop")])
        #expect(turn.verdict == .accept(.spent))
    }
}
