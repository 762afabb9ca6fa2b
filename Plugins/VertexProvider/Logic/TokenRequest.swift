internal import PluginKit
internal import WireJSON

/// The side requests that bring tokens.
enum TokenRequest {
    private static let path = "/computeMetadata/v1/instance/service-accounts/default/token"

    static func form(
        _ plan: Plan, _ url: String, _ fields: [(String, String)], authorization: String? = nil
    ) throws(PluginFailure) {
        try plan.url(url)
        try plan.header("Content-Type", "application/x-www-form-urlencoded")
        try plan.header("Accept", "application/json")
        if let authorization { try plan.secretHeader("Authorization", authorization) }
        var body: [UInt8] = []
        for (name, value) in fields {
            if !body.isEmpty { body.append(UInt8(ascii: "&")) }
            escape(name, to: &body)
            body.append(UInt8(ascii: "="))
            escape(value, to: &body)
        }
        try body.withBytes { bytes throws(PluginFailure) in try plan.body(bytes) }
        try plan.http()
    }

    static func refresh(_ plan: Plan, _ user: Credentials.AuthorizedUser) throws(PluginFailure) {
        try form(
            plan, user.tokenURL,
            [
                ("grant_type", "refresh_token"), ("client_id", user.clientID), ("client_secret", user.clientSecret),
                ("refresh_token", user.refreshToken),
            ])
    }

    static func subject(_ plan: Plan, _ account: ExternalAccount) throws(PluginFailure) {
        try plan.method("GET")
        try plan.url(account.subjectURL)
        for (name, value) in account.headers { try plan.secretHeader(name, value) }
        try plan.http(hasBody: false)
    }

    /// RFC 8693, as Google's security token service has it.
    static func exchange(_ plan: Plan, _ account: ExternalAccount, _ subject: String) throws(PluginFailure) {
        var fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("audience", account.audience),
            ("scope", TokenFetch.scope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", account.subjectTokenType), ("subject_token", subject),
        ]
        if let project = account.userProject, account.clientID == nil {
            let options = ByteWriter()
            options.append(#"{"userProject":"#)
            options.appendJSONString(project)
            options.append("}")
            fields.append(("options", String(decoding: options.unsafeBytes, as: UTF8.self)))
        }
        let basic = account.clientID.map { id in
            let pair = Base64.encode(Array("\(id):\(account.clientSecret ?? "")".utf8))
            return "Basic " + String(decoding: pair, as: UTF8.self)
        }
        try form(plan, account.tokenURL, fields, authorization: basic)
    }

    static func metadata(_ plan: Plan, _ origin: String) throws(PluginFailure) {
        try plan.method("GET")
        try plan.url(origin + path)
        try plan.header("Metadata-Flavor", "Google")
        try plan.http(hasBody: false)
    }

    static func impersonate(
        _ plan: Plan, _ target: Credentials.Impersonation, _ source: String
    ) throws(PluginFailure) {
        try plan.url(target.url)
        try plan.header("Content-Type", "application/json")
        try plan.secretHeader("Authorization", "Bearer \(source)")
        let body = ByteWriter()
        body.append(#"{"scope":["#)
        body.appendJSONString(TokenFetch.scope)
        body.append(#"],"lifetime":""#)
        body.append(int: target.seconds)
        body.append(#"s""#)
        if !target.delegates.isEmpty {
            body.append(#","delegates":"#)
            for (number, delegate) in target.delegates.enumerated() {
                body.append(number == 0 ? "[" : ",")
                body.appendJSONString(delegate)
            }
            body.append("]")
        }
        body.append("}")
        try body.withBytes { bytes throws(PluginFailure) in try plan.body(bytes) }
        try plan.http()
    }

    private static func escape(_ text: String, to body: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                body.append(byte)
            default: body += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
