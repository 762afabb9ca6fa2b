package import CanonicalModel
import PluginABI

/// Who may use the host, ready to be asked. Immutable; any thread.
package struct ClientKeys: Sendable {
    private let keys: [ClientKey]
    /// False: everybody may do everything.
    package let isRequired: Bool

    package init(_ auth: HostConfig.Auth) {
        switch auth {
        case .unset, .open: (keys, isRequired) = ([], false)
        case .keys(let configs): (keys, isRequired) = (configs.map(ClientKey.init), true)
        }
    }

    /// What each key may use, by its name.
    var limits: [(name: String, limits: ClientLimits)] { keys.map { ($0.name, $0.limits) } }

    /// The key that one of the offered ones is. Every known key is compared with each, whichever fits.
    package func find(_ offered: [some StringProtocol]) throws(ExchangeError) -> ClientKey {
        guard isRequired else { return .anybody }
        guard !offered.isEmpty else {
            throw Self.refusal("a key is needed here: send 'Authorization: Bearer KEY' or 'x-api-key: KEY'")
        }
        var found: ClientKey?
        for text in offered {
            let digest = KeyDigest(of: text.utf8)
            for key in keys where key.matches(digest) { found = found ?? key }
        }
        guard let found else {
            throw Self.refusal("the key is not one of this host's: use one that its operator gave you (auth.keys)")
        }
        return found
    }

    private static func refusal(_ message: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_AUTH, message, code: "invalid_api_key")
    }
}

/// A client by its key, and what it may do. Immutable; any thread.
package final class ClientKey: Sendable {
    /// Of hosts without keys: everything is allowed.
    package static let anybody = ClientKey(nil)

    private let config: ClientKeyConfig?

    /// Empty without keys; also the owner of stored responses.
    package var name: String { config?.name ?? "" }

    package var limits: ClientLimits {
        ClientLimits(
            requestsPerMinute: config?.requestsPerMinute, tokensPerMinute: config?.tokensPerMinute,
            maxExchanges: config?.maxExchanges)
    }

    init(_ config: ClientKeyConfig?) { self.config = config }

    fileprivate func matches(_ digest: KeyDigest) -> Bool { config?.digest.matches(digest) ?? false }

    package func mayUse(model: String) -> Bool { config?.models?.contains { $0.matches(model) } ?? true }

    package func mayUse(profile: String?) -> Bool { config?.profiles?.contains(profile ?? "") ?? true }

    /// Throws what the client must hear of a profile that is not for it.
    package func check(profile: String?) throws(ExchangeError) {
        guard !mayUse(profile: profile) else { return }
        let place = profile.map { "the profile '\(LogText.oneLine($0))'" } ?? "requests without a profile"
        let allowed = (config?.profiles ?? []).map { $0.isEmpty ? "/v1" : "/\($0)/v1" }.joined(separator: ", ")
        throw ExchangeError(
            KIMI_CAT_PERMISSION, "the key '\(name)' does not open \(place); it opens \(allowed)",
            code: "profile_not_allowed")
    }

    /// Throws what the client must hear where something tells of all models and clients.
    package func checkSeesAll() throws(ExchangeError) {
        guard config?.models != nil || config?.profiles != nil else { return }
        throw ExchangeError(
            KIMI_CAT_PERMISSION,
            "the key '\(name)' opens some models or profiles only, and this tells of all: use auth.admin_key, or a key "
                + "without 'models' and 'profiles'",
            code: "key_is_limited")
    }

    /// Throws what the client must hear of a model that is not for it: the same as of one that is not there.
    package func check(model: String) throws(ExchangeError) {
        if !mayUse(model: model) { throw noModel(model) }
    }

    /// Does it open some models only?
    package var isRestricted: Bool { config?.models != nil }

    /// The model is not there, as far as this key can know.
    package func noModel(_ model: String) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_NOT_FOUND,
            "the model '\(LogText.oneLine(String(model.prefix(200))))' is not configured, or not for the key '\(name)'; "
                + "GET /v1/models lists what there is",
            param: "model", code: "model_not_found")
    }
}

/// Bounds on what one client does at once and in a minute; nil: none.
package struct ClientLimits: Sendable, Equatable {
    package var requestsPerMinute: Int?
    package var tokensPerMinute: Int?
    package var maxExchanges: Int?

    package init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, maxExchanges: Int? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.maxExchanges = maxExchanges
    }
}
