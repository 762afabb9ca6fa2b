internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One fetch of an access token: signs or asks, then exchanges, then (if configured) asks for another account's token.
final class TokenFetch: AuthExchange {
    static let scope = "https://www.googleapis.com/auth/cloud-platform"

    /// What the next step is, or the step whose result is awaited.
    private enum Stage {
        case sign(Credentials.ServiceAccount)
        case assertion(Credentials.ServiceAccount, jwt: [UInt8])
        case refresh(Credentials.AuthorizedUser)
        case subject(ExternalAccount)
        case exchange(ExternalAccount, subject: String)
        case metadata(origin: String)
        case impersonate(Credentials.Impersonation, source: String)
        case granted(AccessToken)
    }

    private var stage: Stage
    /// What the innermost token is exchanged for, from the inside out.
    private var targets: [Credentials.Impersonation] = []
    /// The signed part of an assertion while the host signs.
    private var unsigned: [UInt8] = []
    private let context: PluginContext

    init(_ credentials: Credentials, context: PluginContext) throws(PluginFailure) {
        self.context = context
        var inner = credentials
        var targets: [Credentials.Impersonation] = []
        while case .impersonated(let source, let target, _) = inner {
            targets.insert(target, at: 0)
            inner = source
        }
        self.targets = targets
        switch inner {
        case .serviceAccount(let account): stage = .sign(account)
        case .authorizedUser(let user): stage = .refresh(user)
        case .external(let account): stage = .subject(account)
        case .metadata(let origin): stage = .metadata(origin: origin)
        case .accessToken, .impersonated:
            throw PluginFailure(KIMI_E_STATE, KIMI_CAT_INTERNAL, "This configuration needs no token to be fetched.")
        }
    }

    func next(_ plan: Plan) throws(PluginFailure) {
        switch stage {
        case .sign(let account):
            unsigned = Assertion.unsigned(account, now: context.unixMilliseconds)
            try unsigned.withBytes { data throws(PluginFailure) in
                try plan.sign(data, algorithm: "RS256", key: account.key)
            }
        case .assertion(let account, let jwt):
            try TokenRequest.form(
                plan, account.tokenURL,
                [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", String(decoding: jwt, as: UTF8.self)),
                ])
        case .refresh(let user): try TokenRequest.refresh(plan, user)
        case .subject(let account): try TokenRequest.subject(plan, account)
        case .exchange(let account, let subject): try TokenRequest.exchange(plan, account, subject)
        case .metadata(let origin): try TokenRequest.metadata(plan, origin)
        case .impersonate(let target, let source): try TokenRequest.impersonate(plan, target, source)
        case .granted(let token): try plan.grant(token: token.value, expiresAtMs: token.expiresAtMs)
        }
    }

    func result(_ result: kimi_result) throws(PluginFailure) {
        let answer = TokenAnswer(result, now: context.unixMilliseconds)
        switch stage {
        case .sign(let account): try signed(result, account)
        case .assertion(let account, let jwt):
            let who = "service account \(account.email)"
            let secrets = [String(decoding: jwt, as: UTF8.self)]
            let hint = "check private_key, client_email and this machine's clock"
            got(try answer.token(account.tokenURL, who, hint: hint, secrets: secrets))
        case .refresh(let user):
            let hint = "check refresh_token, client_id and client_secret, or log in again"
            let secrets = [user.refreshToken, user.clientSecret]
            got(try answer.token(user.tokenURL, "authorized user", hint: hint, secrets: secrets))
        case .subject(let account): stage = .exchange(account, subject: try answer.subject(account))
        case .exchange(let account, let subject):
            let hint = "check audience, subject_token_type and the pool's provider"
            let secrets = [subject, account.clientSecret ?? ""]
            got(try answer.token(account.tokenURL, "external account", hint: hint, secrets: secrets))
        case .metadata(let origin): got(try answer.metadataToken(origin))
        case .impersonate(let target, let source): got(try answer.impersonated(target, secrets: [source]))
        case .granted: throw PluginFailure(KIMI_E_STATE, KIMI_CAT_INTERNAL, "A result came after the token.")
        }
    }

    private func signed(_ result: kimi_result, _ account: Credentials.ServiceAccount) throws(PluginFailure) {
        guard result.status >= 0, !result.body.buffer.isEmpty else {
            throw PluginFailure(
                KIMI_E_AUTH, KIMI_CAT_AUTH,
                "The assertion of service account \(account.email) could not be signed with private_key: "
                    + excerpt(result.body.buffer))
        }
        var jwt = unsigned
        jwt.append(UInt8(ascii: "."))
        jwt += Base64.encodeForURL(result.body.buffer)
        unsigned = []
        stage = .assertion(account, jwt: jwt)
    }

    /// The token, or one more step on the way to it.
    private func got(_ token: AccessToken) {
        guard !targets.isEmpty else { return stage = .granted(token) }
        stage = .impersonate(targets.removeFirst(), source: token.value)
    }
}
