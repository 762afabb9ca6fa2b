import CanonicalModel
import Dialects
import PluginABI

/// An error that the client may hear of, with its upstream's own words, and how much it helps.
struct ToldError {
    let error: ExchangeError
    /// In the client's dialect.
    let refusal: NativeRefusal?
    private let worth: Int

    init(_ error: ExchangeError, _ worth: Int) {
        (self.error, self.refusal, self.worth) = (error, nil, worth)
    }

    init(_ error: ExchangeError, _ failure: AttemptFailure, _ refusal: NativeRefusal?) {
        self.error = error
        self.refusal = refusal
        worth = Self.worth(error, failure)
    }

    /// Of two the one that helps more, of equals the later one.
    func orBetter(_ earlier: ToldError?) -> ToldError {
        guard let earlier, earlier.worth > worth else { return self }
        return earlier
    }

    /// First what the client can do something about, then what upstreams say, then that they say nothing, then what only
    /// the operator can put right.
    private static func worth(_ error: ExchangeError, _ failure: AttemptFailure) -> Int {
        switch failure.fault {
        case .request: return 6
        case .unserved: return 0
        case .key, .route: break
        }
        switch error.category {
        case KIMI_CAT_RATE_LIMITED, KIMI_CAT_OVERLOADED: return 5
        case KIMI_CAT_UPSTREAM, KIMI_CAT_QUOTA: return 4
        case KIMI_CAT_TIMEOUT: return 3
        case KIMI_CAT_NETWORK, KIMI_CAT_PROTOCOL: return 2
        default: return 1
        }
    }
}
