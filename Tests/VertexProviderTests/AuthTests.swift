import Foundation
import PluginABI
import Testing

@Suite("Tokens")
struct AuthTests {
    static let service =
        #"{"type":"service_account","client_email":"s@p.iam","private_key":"key-ref-1","private_key_id":"k1","project_id":"p9"}"#
    static let user =
        #"{"type":"authorized_user","client_id":"c&1","client_secret":"sec-ret","refresh_token":"1//ref","quota_project_id":"q"}"#
    static let external =
        #"{"type":"external_account","audience":"//iam/aud","subject_token_type":"urn:x:jwt","token_url":"https://sts.googleapis.com/v1/token","#
        + #""credential_source":{"url":"http://127.0.0.1:1/tok","headers":{"X-H":"v"},"format":{"type":"json","subject_token_field_name":"st"}}"#

    static func attempt(_ credentials: String?, _ more: String = "") -> Attempt {
        let member = credentials.map { #","credentials":\#($0)"# } ?? ""
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"}]}"#, config: #"{"projectId":"p1"\#(member)\#(more)}"#)
        return attempt
    }

    private func attempt(_ credentials: String?, _ more: String = "") -> Attempt { Self.attempt(credentials, more) }

    private func payload(_ jwt: String, _ part: Int) -> String {
        let parts = jwt.split(separator: ".")
        guard part < parts.count else { return "" }
        var text = parts[part].replacing("-", with: "+").replacing("_", with: "/")
        while text.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: String(text)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    @Test("a request asks for the token first, then goes with it")
    func request() {
        let attempt = attempt(Self.service)
        #expect(attempt.plan.kind == KIMI_STEP_TOKEN.rawValue)
        #expect(
            attempt.plan.first(KIMI_FIELD_TOKEN_KEY)
                == "service_account s@p.iam k1 https://www.googleapis.com/auth/cloud-platform")
        attempt.token("ya29.x")
        #expect(attempt.plan.kind == KIMI_STEP_SEND.rawValue)
        #expect(attempt.plan.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer ya29.x"])
        #expect(attempt.body.hasPrefix(#"{"contents":"#))
    }

    @Test("a token that is not to be had fails the request with the reason")
    func noToken() {
        let attempt = attempt(Self.service)
        attempt.token("refused: invalid_grant", status: KIMI_E_AUTH.rawValue)
        #expect(attempt.status == KIMI_E_AUTH.rawValue)
        #expect(attempt.failure.message == "refused: invalid_grant")
        #expect(attempt.failure.category == KIMI_CAT_AUTH.rawValue)
    }

    @Test("service account: sign, exchange, grant")
    func serviceAccount() throws {
        let attempt = attempt(Self.service)
        attempt.authenticate()
        #expect(attempt.plan.kind == KIMI_STEP_SIGN.rawValue)
        #expect(attempt.plan.first(KIMI_FIELD_SIGN_ALG) == "RS256")
        #expect(attempt.plan.first(KIMI_FIELD_SIGN_KEY) == "key-ref-1")
        let unsigned = attempt.plan.first(KIMI_FIELD_SIGN_DATA)
        #expect(payload(unsigned, 0) == #"{"alg":"RS256","typ":"JWT","kid":"k1"}"#)
        #expect(
            payload(unsigned, 1)
                == #"{"iss":"s@p.iam","scope":"https://www.googleapis.com/auth/cloud-platform","#
                + #""aud":"https://oauth2.googleapis.com/token","iat":1699999970,"exp":1700003570}"#)
        attempt.authResult("\u{3}\u{3f}sig")
        #expect(attempt.plan.kind == KIMI_STEP_HTTP.rawValue)
        #expect(attempt.plan.first(KIMI_FIELD_URL) == "https://oauth2.googleapis.com/token")
        #expect(
            attempt.plan.first(KIMI_FIELD_BODY)
                == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + unsigned + ".Az9zaWc"
        )
        attempt.authResult(#"{"access_token":"ya29.tok","expires_in":3599,"token_type":"Bearer"}"#)
        #expect(attempt.plan.kind == KIMI_STEP_GRANT.rawValue)
        #expect(attempt.plan.first(KIMI_FIELD_TOKEN_VALUE) == "ya29.tok")
        #expect(attempt.plan.first(KIMI_FIELD_EXPIRES_AT) == "1700003599000")
    }

    @Test("the service account's project and token_uri are taken")
    func own() {
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"}]}"#,
            config:
                #"{"credentialsPath":\#(Self.service.replacing("}", with: #","token_uri":"https://t.example/x"}"#))}"#)
        attempt.authenticate()
        attempt.authResult("s")
        #expect(attempt.plan.first(KIMI_FIELD_URL) == "https://t.example/x")
        attempt.token("t")
        #expect(attempt.plan.first(KIMI_FIELD_URL).contains("/projects/p9/"))
    }

    @Test("authorized user: refresh, grant")
    func authorizedUser() {
        let attempt = attempt(Self.user)
        attempt.authenticate()
        #expect(
            attempt.plan.first(KIMI_FIELD_BODY)
                == "grant_type=refresh_token&client_id=c%261&client_secret=sec-ret&refresh_token=1%2F%2Fref")
        attempt.authResult(#"{"access_token":"u","expires_in":"60"}"#)
        #expect(attempt.plan.first(KIMI_FIELD_EXPIRES_AT) == "1700000060000")
        attempt.token("u")
        #expect(attempt.plan.values(KIMI_FIELD_HEADER).contains("X-Goog-User-Project: q"))
    }

    @Test("metadata server, with and without another address", arguments: ["", "127.0.0.1:99"])
    func metadata(host: String) {
        let attempt = attempt(nil, host.isEmpty ? "" : #","metadataHost":"\#(host)""#)
        attempt.authenticate()
        #expect(attempt.plan.values(KIMI_FIELD_METHOD) == ["GET"])
        #expect(
            attempt.plan.first(KIMI_FIELD_URL) == "http://\(host.isEmpty ? "metadata.google.internal" : host)"
                + "/computeMetadata/v1/instance/service-accounts/default/token")
        #expect(attempt.plan.values(KIMI_FIELD_HEADER) == ["Metadata-Flavor: Google"])
        #expect(attempt.plan.steps.map(\.argument) == [UInt64(KIMI_SEND_NO_BODY.rawValue)])
        attempt.authResult(#"{"access_token":"m","expires_in":100}"#)
        #expect(attempt.plan.first(KIMI_FIELD_TOKEN_VALUE) == "m")
    }

    @Test("without credentials and without a metadata server the cure is named")
    func nothing() {
        let attempt = attempt(nil)
        attempt.authenticate()
        attempt.authResult("Could not resolve host", http: 0, status: KIMI_E_UPSTREAM.rawValue)
        #expect(attempt.failure.category == KIMI_CAT_CONFIG.rawValue)
        #expect(attempt.failure.message.contains("GOOGLE_APPLICATION_CREDENTIALS"))
        #expect(attempt.failure.message.contains("Could not resolve host"))
    }

    @Test("external account: subject by URL, exchange, impersonation")
    func externalAccount() {
        let attempt = attempt(
            Self.external
                + #","service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/x:generateAccessToken","service_account_impersonation":{"token_lifetime_seconds":1800}}"#
        )
        attempt.authenticate()
        #expect(attempt.plan.first(KIMI_FIELD_URL) == "http://127.0.0.1:1/tok")
        #expect(attempt.plan.values(KIMI_FIELD_SECRET_HEADER) == ["X-H: v"])
        attempt.authResult(#"{"st":"subj"}"#)
        #expect(attempt.plan.first(KIMI_FIELD_URL) == "https://sts.googleapis.com/v1/token")
        #expect(attempt.plan.first(KIMI_FIELD_BODY).hasSuffix("&subject_token_type=urn%3Ax%3Ajwt&subject_token=subj"))
        attempt.authResult(#"{"access_token":"fed","expires_in":3600}"#)
        #expect(attempt.plan.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer fed"])
        #expect(
            attempt.plan.first(KIMI_FIELD_BODY)
                == #"{"scope":["https://www.googleapis.com/auth/cloud-platform"],"lifetime":"1800s"}"#)
        attempt.authResult(#"{"accessToken":"imp","expireTime":"2023-11-14T22:43:20Z"}"#)
        #expect(attempt.plan.first(KIMI_FIELD_TOKEN_VALUE) == "imp")
        #expect(attempt.plan.first(KIMI_FIELD_EXPIRES_AT) == "1700001800000")
    }

    @Test("impersonation of a service account by a user")
    func impersonated() {
        let attempt = attempt(
            #"{"type":"impersonated_service_account","delegates":["d1"],"source_credentials":\#(Self.user),"service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/y"}"#
        )
        attempt.authenticate()
        attempt.authResult(#"{"access_token":"u","expires_in":60}"#)
        #expect(attempt.plan.first(KIMI_FIELD_BODY).hasSuffix(#""lifetime":"3600s","delegates":["d1"]}"#))
    }
}
