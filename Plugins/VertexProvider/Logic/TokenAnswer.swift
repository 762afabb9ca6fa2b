internal import PluginABI
internal import PluginKit
internal import WireJSON

/// An access token and when it ends.
struct AccessToken {
    let value: String
    let expiresAtMs: UInt64
}

/// What a side request came back with. Token endpoints may say anything: nothing is believed unchecked.
struct TokenAnswer {
    /// A longer one is no token.
    private static let maxToken = 16 << 10
    /// What is good for longer is asked for again after a day.
    private static let longest: Int64 = 86_400
    /// For an answer that does not say how long its token is good for.
    private static let unsaid: Int64 = 300

    private let result: kimi_result
    private let now: UInt64
    private let parser = JSONParser(maxBytes: 1 << 20, maxDepth: 32)

    /// `now`: unix ms.
    init(_ result: kimi_result, now: UInt64) {
        self.result = result
        self.now = now
    }

    /// An OAuth answer: `access_token`, `expires_in`.
    func token(_ url: String, _ who: String, hint: String, secrets: [String]) throws(PluginFailure) -> AccessToken {
        try reached(url)
        let root = try? parser.parse(result.body.buffer)
        guard (200..<300).contains(result.http_status) else {
            throw refusal(url, who, hint: hint, secrets: secrets, root)
        }
        let value = try checked(root?["access_token"]?.string, url, "access_token")
        let seconds = root?["expires_in"].flatMap { $0.int ?? $0.string.flatMap { Int64($0) } } ?? Self.unsaid
        return try token(value, seconds, url)
    }

    /// The metadata server's answer has the same shape.
    func metadataToken(_ origin: String) throws(PluginFailure) -> AccessToken {
        guard result.status >= 0 else {
            throw PluginFailure(
                KIMI_E_AUTH, KIMI_CAT_CONFIG,
                "There are no credentials: set GOOGLE_APPLICATION_CREDENTIALS or credentials in provider_config. The "
                    + "metadata server \(origin), which machines on Google Cloud have, cannot be reached: "
                    + excerpt(result.body.buffer))
        }
        return try token(
            origin, "the metadata server's default service account",
            hint: "give the machine or pod a service account with the scope cloud-platform", secrets: [])
    }

    /// Another issuer's token, for the exchange.
    func subject(_ account: ExternalAccount) throws(PluginFailure) -> String {
        try reached(account.subjectURL)
        guard (200..<300).contains(result.http_status) else {
            throw failure(
                "credential_source.url answered \(result.http_status): \(excerpt(result.body.buffer))")
        }
        guard let field = account.field else {
            return try checked(
                String(decoding: result.body.buffer.trimmed, as: UTF8.self), account.subjectURL, "a token")
        }
        let root = try? parser.parse(result.body.buffer)
        return try checked(root?.member(field)?.string, account.subjectURL, field)
    }

    /// The credentials service's answer: `accessToken`, `expireTime`.
    func impersonated(_ target: Credentials.Impersonation, secrets: [String]) throws(PluginFailure) -> AccessToken {
        try reached(target.url)
        let root = try? parser.parse(result.body.buffer)
        guard (200..<300).contains(result.http_status) else {
            throw refusal(
                target.url, "impersonation",
                hint: "check service_account_impersonation_url and the role Service Account Token Creator",
                secrets: secrets, root)
        }
        let value = try checked(root?["accessToken"]?.string, target.url, "accessToken")
        guard let end = root?["expireTime"]?.string.flatMap(Timestamp.unixSeconds) else {
            throw .protocolError("\(target.url) gave a token without a readable expireTime.")
        }
        return try token(value, end - Int64(clamping: now / 1000), target.url)
    }

    // MARK: Checks

    private func reached(_ url: String) throws(PluginFailure) {
        guard result.status >= 0 else {
            throw failure("The token endpoint \(url) cannot be reached: \(excerpt(result.body.buffer))")
        }
    }

    private func failure(_ message: String) -> PluginFailure {
        PluginFailure(
            result.status < 0 ? KIMI_E_UPSTREAM : KIMI_E_AUTH, result.status < 0 ? KIMI_CAT_NETWORK : KIMI_CAT_AUTH,
            message)
    }

    private func checked(_ value: String?, _ url: String, _ name: String) throws(PluginFailure) -> String {
        guard let value, !value.isEmpty else {
            throw .protocolError("\(url) answered \(result.http_status), but without \(name).")
        }
        guard value.utf8.count <= Self.maxToken, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .protocolError("\(url) answered with a value of \(name) that can be no token.")
        }
        return value
    }

    private func token(_ value: String, _ seconds: Int64, _ url: String) throws(PluginFailure) -> AccessToken {
        guard seconds > 0 else {
            throw .protocolError("\(url) gave a token that has expired already; check this machine's clock.")
        }
        return AccessToken(value: value, expiresAtMs: now + UInt64(min(seconds, Self.longest)) * 1000)
    }

    // MARK: Refusals

    private func refusal(
        _ url: String, _ who: String, hint: String, secrets: [String], _ root: JSONValue?
    ) -> PluginFailure {
        let error = root?["error"]
        let word = error?.string ?? error?["status"]?.string ?? ""
        let text = root?["error_description"]?.string ?? error?["message"]?.string ?? ""
        var said = [word, text].filter { !$0.isEmpty }.joined(separator: ": ")
        if said.isEmpty { said = excerpt(result.body.buffer) }
        for secret in secrets where secret.utf8.count > 4 { said = said.replacing(secret, with: "…") }
        said = Array(said.utf8).withUnsafeBytes { excerpt($0, limit: 300) }
        let message = "The token endpoint \(url) refused \(who) with \(result.http_status): \(said)"
        let full = (400..<500).contains(result.http_status) ? "\(message) (\(hint))" : message
        return PluginFailure(KIMI_E_AUTH, category(word), full, retryAfterMs: RetryAfter.milliseconds(result) ?? 0)
    }

    private func category(_ word: String) -> kimi_category {
        switch result.http_status {
        case 429: KIMI_CAT_RATE_LIMITED
        case 503: KIMI_CAT_OVERLOADED
        case 500...599: KIMI_CAT_UPSTREAM
        case 403 where word == "PERMISSION_DENIED": KIMI_CAT_PERMISSION
        case 400..<500: KIMI_CAT_AUTH
        default: KIMI_CAT_PROTOCOL
        }
    }
}
