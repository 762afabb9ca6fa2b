import CanonicalModel
import Logging
import PluginHost

/// What the process log hears of tokens: that there is one, or why not. Never the token.
enum TokenLog {
    static func fetched(
        _ provider: ProviderInstance, _ result: Result<ServedToken, ExchangeError>, _ logger: Logger
    ) {
        switch result {
        case .success:
            logger.debug("token fetched", metadata: [LogKeys.event: "token_fetched", "provider": "\(provider.name)"])
        case .failure(let error):
            logger.warning(
                "token not fetched",
                metadata: [
                    LogKeys.event: "token_failed",
                    "provider": "\(provider.name)",
                    "reason": "\(LogText.oneLine(provider.masked(error.message)))",
                    "next_try_ms": "\(error.retryAfterMs ?? 0)",
                ])
        }
    }
}
