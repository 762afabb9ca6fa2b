internal import WireJSON

/// The JWT by which a service account asks for a token (RFC 7523).
enum Assertion {
    /// How long it is good for; Google takes an hour at most.
    private static let seconds: Int64 = 3600
    /// It is issued in the past, for clocks that are ahead of Google's.
    private static let skew: Int64 = 30

    /// Header and claims, encoded and joined: what is signed. `now`: unix ms.
    static func unsigned(_ account: Credentials.ServiceAccount, now: UInt64) -> [UInt8] {
        let issued = max(0, Int64(clamping: now / 1000) - skew)
        let header = ByteWriter()
        header.append(#"{"alg":"RS256","typ":"JWT""#)
        if let keyID = account.keyID { header.member("kid", keyID) }
        header.append("}")
        let claims = ByteWriter()
        claims.append(#"{"iss":"#)
        claims.appendJSONString(account.email)
        claims.member("scope", TokenFetch.scope)
        claims.member("aud", account.tokenURL)
        claims.append(#","iat":"#)
        claims.append(int: issued)
        claims.append(#","exp":"#)
        claims.append(int: issued + seconds)
        claims.append("}")
        return Base64.encodeForURL(header.bytes) + [UInt8(ascii: ".")] + Base64.encodeForURL(claims.bytes)
    }
}

extension ByteWriter {
    /// `,"name":"text"`.
    fileprivate func member(_ name: String, _ text: String) {
        append(",")
        appendJSONString(name)
        append(":")
        appendJSONString(text)
    }
}
