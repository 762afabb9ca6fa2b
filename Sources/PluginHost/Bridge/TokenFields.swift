import PluginABI

/// The fields of TOKEN, SIGN and GRANT, gathered until their step closes them.
struct TokenFields {
    private var key: String?
    private var algorithm: String?
    private var signKey: String?
    private var data: [UInt8]?
    private var token: [UInt8]?
    private var expiresAt: UInt64?
    private var refreshAt: UInt64?

    /// KIMI_E_ARG: no such field, or no such value. The caller has checked the length.
    mutating func take(_ field: kimi_field, _ value: UnsafeRawBufferPointer) -> kimi_status_code {
        switch field {
        case KIMI_FIELD_SIGN_DATA:
            data = Array(value)
            return KIMI_OK
        case KIMI_FIELD_TOKEN_KEY: return Self.set(&key, Self.text(value))
        case KIMI_FIELD_SIGN_ALG: return Self.set(&algorithm, Self.text(value))
        case KIMI_FIELD_SIGN_KEY: return Self.set(&signKey, Self.text(value))
        case KIMI_FIELD_TOKEN_VALUE: return Self.set(&token, Self.isPlain(value) ? Array(value) : nil)
        case KIMI_FIELD_EXPIRES_AT: return Self.set(&expiresAt, Self.milliseconds(value))
        case KIMI_FIELD_REFRESH_AT: return Self.set(&refreshAt, Self.milliseconds(value))
        default: return KIMI_E_ARG
        }
    }

    func token(_ id: UInt32) -> PlannedStep? {
        guard let key else { return nil }
        return .token(id: id, key: key)
    }

    func signature(_ id: UInt32) -> PlannedStep? {
        guard let algorithm, let signKey, let data else { return nil }
        return .sign(PlannedSignature(id: id, algorithm: algorithm, key: signKey, data: data))
    }

    var grant: PlannedStep? {
        guard let token, let expiresAt else { return nil }
        return .grant(TokenGrant(token: token, expiresAt: expiresAt, refreshAt: refreshAt))
    }

    private static func set<Value>(_ target: inout Value?, _ value: Value?) -> kimi_status_code {
        guard let value else { return KIMI_E_ARG }
        target = value
        return KIMI_OK
    }

    private static func text(_ value: UnsafeRawBufferPointer) -> String? {
        isPlain(value) ? String(decoding: value, as: UTF8.self) : nil
    }

    /// Something, and no control characters: a token goes into a header, a key into messages.
    private static func isPlain(_ value: UnsafeRawBufferPointer) -> Bool {
        !value.isEmpty && value.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// Decimal digits, within what the clock can say.
    private static func milliseconds(_ value: UnsafeRawBufferPointer) -> UInt64? {
        guard (1...19).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return value.reduce(0) { $0 * 10 + UInt64($1 & 0x0F) }
    }
}
