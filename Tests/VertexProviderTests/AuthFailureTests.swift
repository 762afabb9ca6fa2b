import PluginABI
import Testing

@Suite("Tokens that are not to be had")
struct AuthFailureTests {
    @Test("what the token endpoint says reaches the client, secrets do not")
    func refused() {
        let attempt = AuthTests.attempt(AuthTests.user)
        attempt.authenticate()
        attempt.authResult(
            #"{"error":"invalid_grant","error_description":"Token 1//ref has been\n expired."}"#, http: 400)
        #expect(attempt.status == KIMI_E_AUTH.rawValue)
        #expect(attempt.failure.category == KIMI_CAT_AUTH.rawValue)
        #expect(
            attempt.failure.message
                == "The token endpoint https://oauth2.googleapis.com/token refused authorized user with 400: "
                + "invalid_grant: Token … has been expired. (check refresh_token, client_id and client_secret, or log "
                + "in again)")
    }

    @Test(
        "endpoints that are down, slow or lie",
        arguments: [
            (UInt32(200), "<html>", KIMI_CAT_PROTOCOL, "without access_token"),
            (200, "{}", KIMI_CAT_PROTOCOL, "without access_token"),
            (200, #"{"access_token":""}"#, KIMI_CAT_PROTOCOL, "without access_token"),
            (200, #"{"access_token":"a b","expires_in":5}"#, KIMI_CAT_PROTOCOL, "can be no token"),
            (200, #"{"access_token":"a\r\nX: y","expires_in":5}"#, KIMI_CAT_PROTOCOL, "can be no token"),
            (200, #"{"access_token":"a","expires_in":0}"#, KIMI_CAT_PROTOCOL, "expired"),
            (200, #"{"access_token":"a","expires_in":-5}"#, KIMI_CAT_PROTOCOL, "expired"),
            (302, "", KIMI_CAT_PROTOCOL, "302"),
            (429, "slow down", KIMI_CAT_RATE_LIMITED, "slow down"),
            (503, "", KIMI_CAT_OVERLOADED, "503"), (500, "oops", KIMI_CAT_UPSTREAM, "oops"),
            (401, #"{"error":{"status":"UNAUTHENTICATED","message":"m"}}"#, KIMI_CAT_AUTH, "UNAUTHENTICATED: m"),
        ])
    func lies(http: UInt32, body: String, category: kimi_category, word: String) {
        let attempt = AuthTests.attempt(AuthTests.service)
        attempt.authenticate()
        attempt.authResult("sig")
        attempt.authResult(body, http: http, headers: [("Retry-After", "7")])
        #expect(attempt.status < 0)
        #expect(attempt.failure.category == category.rawValue)
        #expect(attempt.failure.message.contains(word), "\(attempt.failure.message)")
        if http == 429 { #expect(attempt.failure.retryAfterMs == 7000) }
    }

    @Test("an endless token ends after a day; one that does not say, soon")
    func lifetimes() {
        for (answer, end) in [
            (#"{"access_token":"a","expires_in":9223372036854775807}"#, "1700086400000"),
            (#"{"access_token":"a"}"#, "1700000300000"),
        ] {
            let attempt = AuthTests.attempt(AuthTests.service)
            attempt.authenticate()
            attempt.authResult("sig")
            attempt.authResult(answer)
            #expect(attempt.plan.first(KIMI_FIELD_EXPIRES_AT) == end)
        }
    }

    @Test("a host that cannot sign, and an endpoint that cannot be reached")
    func hostFails() {
        let attempt = AuthTests.attempt(AuthTests.service)
        attempt.authenticate()
        attempt.authResult("no such key", status: KIMI_E_ARG.rawValue)
        #expect(attempt.failure.message.contains("private_key"))
        let other = AuthTests.attempt(AuthTests.user)
        other.authenticate()
        other.authResult("connection refused", http: 0, status: KIMI_E_UPSTREAM.rawValue)
        #expect(other.failure.category == KIMI_CAT_NETWORK.rawValue)
        #expect(other.failure.message.contains("oauth2.googleapis.com"))
    }

    @Test(
        "credentials with a part missing name the part",
        arguments: [
            ("{}", "'type'"), (#"{"type":"service_account"}"#, "'client_email'"),
            (#"{"type":"service_account","client_email":"e"}"#, "'private_key'"),
            (#"{"type":"service_account","client_email":"e","private_key":""}"#, "'private_key'"),
            (#"{"type":"service_account","client_email":"e","private_key":"k","token_uri":"t"}"#, "'token_uri'"),
            (#"{"type":"authorized_user","client_id":"c","client_secret":"s"}"#, "'refresh_token'"),
            (#"{"type":"gdch_service_account"}"#, "'gdch_service_account'"),
            (
                #"{"type":"impersonated_service_account","source_credentials":{"type":"authorized_user"},"service_account_impersonation_url":"https://x"}"#,
                "'client_id' of credentials.source_credentials"
            ),
            (
                #"{"type":"external_account","audience":"a","subject_token_type":"t","token_url":"https://t","credential_source":{"file":"/f"}}"#,
                "'file' of credentials.credential_source"
            ),
            (
                #"{"type":"external_account","audience":"a","subject_token_type":"t","token_url":"https://t","credential_source":{}}"#,
                "'url' of credentials.credential_source"
            ),
        ])
    func broken(credentials: String, word: String) {
        let attempt = Attempt(config: #"{"projectId":"p1","credentials":\#(credentials)}"#)
        #expect(attempt.status == KIMI_E_CONFIG.rawValue)
        #expect(attempt.failure.message.contains(word), "\(attempt.failure.message)")
    }

    @Test("a key that is not this instance's is refused")
    func foreignKey() {
        let attempt = AuthTests.attempt(AuthTests.service)
        #expect(attempt.authenticate("other") == KIMI_E_ARG.rawValue)
    }
}
