import Dialects
import Enforcement
import PluginHost
import WireJSON

/// What an exchange keeps of its reply being enforced. Event loop only.
final class ExchangeEnforcement {
    let policy: EnforcementPolicy
    let reply: EnforcedReply
    /// The user's last words.
    private let question: TextPrint
    /// What the attempt under way is asked, before transforms, with its route's name of the model.
    private(set) var request: PluginRequest
    /// The next attempt is due, and waits for the last bytes of the one before.
    var isDue = false
    /// How the reply ended; nil: it has not.
    var result: EnforcedTurn.Result?
    /// Attempts that were not accepted, in words for the log, in order.
    private(set) var rejected: [String] = []

    init(
        _ policy: EnforcementPolicy, _ reply: EnforcedReply, _ request: PluginRequest, question: TextPrint = TextPrint()
    ) {
        self.question = question
        self.policy = policy
        self.reply = reply
        self.request = request
    }

    /// The attempt is accepted.
    func accept(_ result: EnforcedTurn.Result) {
        reply.accept()
        self.result = result
        if result == .answer || result == .spent { policy.answers.insert(reply.turn.print, after: question) }
    }

    /// The attempt is rejected; the next one asks more.
    func demand(_ demand: EnforcedTurn.Demand, after milliseconds: Int64) {
        rejected.append(words(demand, milliseconds))
        let messages = reply.again(demand)
        request.json = EnforcementPlan.request(request.json, adding: messages)
        isDue = true
    }

    private func words(_ demand: EnforcedTurn.Demand, _ milliseconds: Int64) -> String {
        let what = demand == .toolCall ? "no tool call" : "no final answer"
        let (input, output) = reply.turn.tokens
        let tokens = input >= 0 || output >= 0 ? ", \(max(0, input)) + \(max(0, output)) tokens" : ""
        return "attempt \(reply.turn.number): \(what) after \(milliseconds) ms\(tokens)"
    }

    /// What the next attempt gets. `number`: the exchange's count of attempts.
    func next(on model: String, number: Int) -> PluginRequest {
        if request.model != model {
            let name = ByteWriter(capacity: model.utf8.count + 2)
            name.appendJSONString(model)
            let named = request.json.withUnsafeBytes {
                try? JSONEdit.replaceMember("model", with: name.unsafeBytes, in: $0)
            }
            request.json = named ?? request.json
        }
        request = PluginRequest(
            json: request.json, model: model, exchangeID: request.exchangeID, dialect: request.dialect,
            conversation: request.conversation, wantsStream: request.wantsStream, attempt: number,
            deadlineMs: request.deadlineMs)
        return request
    }

    /// No attempt follows: the request is not needed any more.
    func forget() { request.json = [] }

    /// For `x-kimi-enforcement` and the log.
    func described(_ result: EnforcedTurn.Result) -> String {
        "attempts=\(result == .stopped ? 0 : reply.turn.number); result=\(result.rawValue)"
    }
}
