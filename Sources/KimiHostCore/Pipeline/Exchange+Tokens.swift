import CanonicalModel
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// What an exchange has to do with tokens.
struct ExchangeTokens {
    /// The one that is awaited.
    var wait: TokenWait?
    /// Those of the attempt under way.
    var used: [(key: String, token: ServedToken)] = []
    /// An upstream has refused a token once: no second time.
    var hasBegunAgain = false
}

extension Exchange {
    /// May the attempt be begun once more, should the upstream refuse its token? Then the request is kept for it.
    var mayBeginAgain: Bool { key.tokens != nil && !tokens.hasBegunAgain }

    /// A TOKEN step. True: it is answered, the plan goes on; false: the token is awaited.
    func answerToken(_ id: UInt32, _ name: String) throws(ExchangeError) -> Bool {
        guard let source = key.tokens else {
            try answerNoTokens(id)
            return true
        }
        if services.isOffline {
            services.tokensMadeUp += 1
            try answer(id, name, .success(ServedToken(bytes: Array("replayed-token".utf8), fetch: 0)))
            return true
        }
        let wait = TokenWait { [weak self] result in
            guard let self else { return }
            self.tokens.wait = nil
            self.proceed { (self) throws(ExchangeError) in
                try self.answer(id, name, result)
                try self.step()
            }
        }
        switch source.ask(wait, key: name, services: services) {
        case .token(let token): try answer(id, name, .success(token))
        case .refused(let error): try answer(id, name, .failure(error))
        case .waiting:
            tokens.wait = wait
            // The fetch has its own deadline, which ends this wait too.
            clock.waiting(source.fetchMs + TokenLimits.waitSlackMs)
            return false
        }
        return true
    }

    private func answerNoTokens(_ id: UInt32) throws(ExchangeError) {
        let words = "the library of plugin '\(key.provider.name)' offers no \(KIMI_AUTH_ID), so there are no tokens"
        try StepAnswer.with(KIMI_STEP_TOKEN, id, KIMI_E_UNSUPPORTED, content: Array(words.utf8)) {
            result throws(ExchangeError) in _ = try attempt?.answer(result)
        }
    }

    private func answer(
        _ id: UInt32, _ key: String, _ result: Result<ServedToken, ExchangeError>
    ) throws(ExchangeError) {
        switch result {
        case .success(let token):
            tokens.used.append((key, token))
            try StepAnswer.with(KIMI_STEP_TOKEN, id, KIMI_OK, content: token.bytes) { result throws(ExchangeError) in
                _ = try attempt?.answer(result)
            }
        case .failure(let cause):
            do {
                let words = Array(cause.message.utf8)
                try StepAnswer.with(KIMI_STEP_TOKEN, id, KIMI_E_AUTH, content: words) { result throws(ExchangeError) in
                    _ = try attempt?.answer(result)
                }
            } catch {
                throw cause  // The plugin's failure is the consequence.
            }
        }
    }

    /// Forgets a token that this head refuses. True: another one may do. Only before anything went to the client.
    func forgetToken(refusedBy head: UpstreamHead) -> Bool {
        guard head.status == 401, mayBeginAgain, !tokens.used.isEmpty, !reply.hasContent || keepsReply,
            let source = key.tokens
        else {
            return false
        }
        // All of them are told, not only the first.
        return tokens.used.map { source.refused($0.token, key: $0.key) }.contains(true)
    }

    private func recordRefusedToken() {
        let (now, category) = (NIODeadline.now(), AttemptFailure.word(KIMI_CAT_AUTH))
        trace?.attemptEnded(now, error: category)
        measureAttempt(now, error: category)
        tokenFailures.append(failed(category, "the upstream refused the token", now))
    }

    /// Ends the attempt and begins another one (rule S14), with another token.
    func beginAgain() {
        tokens.hasBegunAgain = true
        tokens.used = []
        recordRefusedToken()
        attemptBegan = .now()
        turn += 1
        attempt?.end(KIMI_WHY_FAILED)
        attempt = nil
        transfer?.cancel()
        transfer = nil
        unacknowledged = 0
        if !keepsReply { book.removeAll() }
        proceed { (self) throws(ExchangeError) in
            try self.begin()
            try self.step()
        }
    }
}
