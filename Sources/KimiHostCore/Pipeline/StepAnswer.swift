import CanonicalModel
import PluginABI
import PluginHost

/// Results of steps that bring no HTTP answer.
enum StepAnswer {
    /// Calls `body` with a result whose slices are valid during the call only.
    static func with(
        _ kind: kimi_step, _ id: UInt32, _ status: kimi_status_code, content: [UInt8] = [],
        _ body: (kimi_result) throws(ExchangeError) -> Void
    ) throws(ExchangeError) {
        try content.withBytes { content throws(ExchangeError) in
            var result = kimi_result()
            result.kind = kind.rawValue
            result.id = id
            result.status = kimi_status(status)
            result.body = kimi_bytes(content)
            try body(result)
        }
    }

    /// Signs and calls `body` with the signature, or with why there is none.
    static func sign(
        _ planned: PlannedSignature, _ provider: ProviderInstance,
        _ body: (kimi_result) throws(ExchangeError) -> Void
    ) throws(ExchangeError) {
        let signed = Result { () throws(SigningKey.Problem) in try provider.sign(planned) }
        switch signed {
        case .success(let signature):
            try with(KIMI_STEP_SIGN, planned.id, KIMI_OK, content: signature, body)
        case .failure(let problem):
            let words = "cannot sign for plugin '\(provider.name)': \(problem.message)"
            do {
                try with(KIMI_STEP_SIGN, planned.id, KIMI_E_ARG, content: Array(words.utf8), body)
            } catch {
                // The plugin's words are the consequence; the cause is what helps.
                throw ExchangeError(KIMI_CAT_CONFIG, words)
            }
        }
    }
}
