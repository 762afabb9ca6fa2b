internal import CPlatform
package import CanonicalModel
package import PluginABI

/// One run of a provider's auth machine for one key: begin, steps, end (rules S03 to S07 and S14). After a failure or
/// `end` every call throws or does nothing.
///
/// One thread at a time. A call that throws has ended the attempt.
package final class AuthAttempt {
    private let provider: ProviderInstance
    private let table: UnsafePointer<kimi_auth>
    private let exchange: OpaquePointer
    private let errors = ErrorRecord()
    private var isEnded = false
    private var steps = 0

    /// Calls the machine's begin.
    package init(provider: ProviderInstance, key: String) throws(ExchangeError) {
        guard let table = provider.auth else {
            throw ExchangeError(KIMI_CAT_CONFIG, "the library of plugin '\(provider.name)' offers no \(KIMI_AUTH_ID)")
        }
        var exchange: OpaquePointer?
        var key = key
        let errors = errors
        let status = provider.mark.call(PG_AUTH_BEGIN) {
            key.withUTF8 { key in
                table.pointee.begin(
                    provider.instance, kimi_bytes(UnsafeRawBufferPointer(key)), &exchange, errors.opaque)
            }
        }
        if status.isFailure { throw errors.take(status, provider.mark, plugin: provider.name, PG_AUTH_BEGIN) }
        guard let exchange else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(provider.name)' returned no exchange from auth begin")
        }
        self.provider = provider
        self.table = table
        self.exchange = exchange
        provider.library.exchangeBegan()
    }

    deinit {
        end(KIMI_WHY_CANCELLED)
    }

    /// The machine's next step: http, sign, wait, or grant as the last.
    package func next() throws(ExchangeError) -> PlannedStep {
        try refuseMisuse("next")
        steps += 1
        guard steps <= PluginLimits.maxSteps else {
            throw fail("plugin '\(provider.name)' planned more than \(PluginLimits.maxSteps) steps to get a token")
        }
        let plan = PlanRecord(.auth)
        let status = provider.mark.call(PG_AUTH_NEXT) { table.pointee.next(exchange, plan.opaque, errors.opaque) }
        try check(status, PG_AUTH_NEXT)
        guard let step = plan.steps.first else {
            throw fail("plugin '\(provider.name)' planned no step in auth next (rule S07)")
        }
        if case .http(let request) = step, let refusal = provider.refusal(of: request.url) {
            end(KIMI_WHY_FAILED)
            throw ExchangeError(KIMI_CAT_CONFIG, refusal)
        }
        return step
    }

    /// Hands a step's result over.
    package func result(_ result: kimi_result) throws(ExchangeError) {
        try refuseMisuse("result")
        try withUnsafePointer(to: result) { pointer throws(ExchangeError) in
            let status = provider.mark.call(PG_AUTH_RESULT) {
                table.pointee.result(exchange, pointer, errors.opaque)
            }
            try check(status, PG_AUTH_RESULT)
        }
    }

    /// Ends the attempt; safe to call again.
    package func end(_ why: kimi_why) {
        guard !isEnded else { return }
        isEnded = true
        provider.mark.call(PG_AUTH_END) { table.pointee.end(exchange, why.rawValue) }
        provider.library.exchangeEnded()
    }

    private func refuseMisuse(_ function: String) throws(ExchangeError) {
        if isEnded { throw ExchangeError(KIMI_CAT_INTERNAL, "the host called auth \(function) out of turn") }
    }

    private func check(_ status: kimi_status, _ function: pg_function) throws(ExchangeError) {
        guard status.isFailure else { return errors.clear() }
        let error = errors.take(status, provider.mark, plugin: provider.name, function)
        end(KIMI_WHY_FAILED)
        throw error
    }

    private func fail(_ message: String) -> ExchangeError {
        end(KIMI_WHY_FAILED)
        return ExchangeError(KIMI_CAT_INTERNAL, message)
    }
}
