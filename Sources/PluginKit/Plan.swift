public import PluginABI

/// Where `next` describes what the host shall do: fields first, then exactly one step. Valid during `next`.
///
/// All texts are copied by the host.
public struct Plan {
    private let host: UnsafePointer<kimi_host>
    private let plan: OpaquePointer?

    package init(host: UnsafePointer<kimi_host>, plan: OpaquePointer?) {
        self.host = host
        self.plan = plan
    }

    // MARK: Fields

    /// Of the request; POST if not said.
    public func method(_ method: String) throws(PluginFailure) { try field(KIMI_FIELD_METHOD, method) }

    /// Absolute, http or https; its host must be one that the manifest allows.
    public func url(_ url: String) throws(PluginFailure) { try field(KIMI_FIELD_URL, url) }

    /// A request header.
    public func header(_ name: String, _ value: String) throws(PluginFailure) {
        try field(KIMI_FIELD_HEADER, key: name, value)
    }

    /// A header whose value appears in no log.
    public func secretHeader(_ name: String, _ value: String) throws(PluginFailure) {
        try field(KIMI_FIELD_SECRET_HEADER, key: name, value)
    }

    /// Appends to the body.
    public func body(_ bytes: UnsafeRawBufferPointer) throws(PluginFailure) {
        try field(KIMI_FIELD_BODY, kimi_bytes(), kimi_bytes(bytes))
    }

    /// A JSON merge patch on the exchange's request, whose other members keep their bytes. Without a body or a
    /// patch the request goes up as it is.
    public func bodyPatch(_ json: UnsafeRawBufferPointer) throws(PluginFailure) {
        try field(KIMI_FIELD_BODY_PATCH, kimi_bytes(), kimi_bytes(json))
    }

    // MARK: Steps

    /// The upstream request. `stream`: the answer is meant to be a stream, framed as the manifest says.
    public func send(stream: Bool, id: UInt32 = 0) throws(PluginFailure) {
        try step(KIMI_STEP_SEND, id, stream ? UInt64(KIMI_SEND_STREAM.rawValue) : 0)
    }

    /// A side request, with the same fields as `send`; its whole answer comes in `result`.
    public func http(hasBody: Bool = true, id: UInt32 = 0) throws(PluginFailure) {
        try step(KIMI_STEP_HTTP, id, hasBody ? 0 : UInt64(KIMI_SEND_NO_BODY.rawValue))
    }

    /// The token filed under the key, fetched by the library's auth machine if need be.
    public func token(_ key: String, id: UInt32 = 0) throws(PluginFailure) {
        try field(KIMI_FIELD_TOKEN_KEY, key)
        try step(KIMI_STEP_TOKEN, id, 0)
    }

    /// A signature with a key that the host holds.
    public func sign(
        _ data: UnsafeRawBufferPointer, algorithm: String, key: String, id: UInt32 = 0
    ) throws(PluginFailure) {
        try field(KIMI_FIELD_SIGN_ALG, algorithm)
        try field(KIMI_FIELD_SIGN_KEY, key)
        try field(KIMI_FIELD_SIGN_DATA, kimi_bytes(), kimi_bytes(data))
        try step(KIMI_STEP_SIGN, id, 0)
    }

    /// No upstream: `feed` gets a TICK frame each interval until it is done.
    public func localReply(everyMilliseconds interval: UInt64 = 0, id: UInt32 = 0) throws(PluginFailure) {
        try step(KIMI_STEP_LOCAL_REPLY, id, interval)
    }

    /// `result` is called after that time.
    public func wait(milliseconds: UInt64, id: UInt32 = 0) throws(PluginFailure) {
        try step(KIMI_STEP_WAIT, id, milliseconds)
    }

    /// The token, an auth machine's last step. `refreshAtMs`: when the host fetches the next one while this one still
    /// serves; it decides by itself if not said. Both in unix milliseconds.
    public func grant(
        token: String, expiresAtMs: UInt64, refreshAtMs: UInt64? = nil, id: UInt32 = 0
    ) throws(PluginFailure) {
        try field(KIMI_FIELD_TOKEN_VALUE, token)
        try field(KIMI_FIELD_EXPIRES_AT, String(expiresAtMs))
        if let refreshAtMs { try field(KIMI_FIELD_REFRESH_AT, String(refreshAtMs)) }
        try step(KIMI_STEP_GRANT, id, 0)
    }

    // MARK: Raw

    /// A field of any kind, for what this kit has no function for.
    public func field(_ field: kimi_field, _ key: kimi_bytes, _ value: kimi_bytes) throws(PluginFailure) {
        guard let planField = host.pointee.plan_field else { throw missing("plan_field") }
        try check(planField(plan, field.rawValue, key, value), "plan_field")
    }

    /// A step of any kind.
    public func step(_ kind: kimi_step, _ id: UInt32, _ argument: UInt64) throws(PluginFailure) {
        guard let planStep = host.pointee.plan_step else { throw missing("plan_step") }
        try check(planStep(plan, kind.rawValue, id, argument), "plan_step")
    }

    private func field(_ field: kimi_field, key: String = "", _ value: String) throws(PluginFailure) {
        guard let planField = host.pointee.plan_field else { throw missing("plan_field") }
        let status = key.withBytes { key in
            value.withBytes { value in planField(plan, field.rawValue, key, value) }
        }
        try check(status, "plan_field")
    }
}
