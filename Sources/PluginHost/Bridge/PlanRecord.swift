import PluginABI

/// Behind `kimi_plan`: fields as they come, made into a step when `plan_step` closes it.
final class PlanRecord {
    /// Whose plan it is: not every step is everybody's.
    enum Owner { case provider, auth }

    private let owner: Owner
    private var request = PlannedRequest(id: 0)
    private var tokens = TokenFields()
    private var body: [UInt8]?
    private var patch: [UInt8]?
    private(set) var steps: [PlannedStep] = []

    init(_ owner: Owner) {
        self.owner = owner
    }

    var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    static func at(_ pointer: OpaquePointer) -> PlanRecord {
        Unmanaged<PlanRecord>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    func field(_ field: UInt32, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> kimi_status_code {
        let field = kimi_field(field)
        switch field {
        case KIMI_FIELD_BODY: return append(value, to: &body)
        case KIMI_FIELD_BODY_PATCH where owner == .auth: return KIMI_E_ARG  // There is no request to patch.
        case KIMI_FIELD_BODY_PATCH: return append(value, to: &patch)
        default: break
        }
        guard value.count <= PluginLimits.maxFieldBytes, key.count <= PluginLimits.maxFieldBytes else {
            return KIMI_E_LIMIT
        }
        switch field {
        case KIMI_FIELD_METHOD:
            guard Self.isToken(value) else { return KIMI_E_ARG }
            request.method = String(decoding: value, as: UTF8.self)
        case KIMI_FIELD_URL:
            guard value.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return KIMI_E_ARG }
            request.url = String(decoding: value, as: UTF8.self)
        case KIMI_FIELD_HEADER, KIMI_FIELD_SECRET_HEADER: return header(field, key, value)
        default: return tokens.take(field, value)
        }
        return KIMI_OK
    }

    func step(_ kind: UInt32, _ id: UInt32, _ argument: UInt64) -> kimi_status_code {
        guard steps.isEmpty else { return KIMI_E_STATE }
        switch kimi_step(kind) {
        case KIMI_STEP_SEND where owner == .provider: return close(id, argument) { .send($0) }
        case KIMI_STEP_HTTP: return close(id, argument) { .http($0) }
        case KIMI_STEP_WAIT:
            guard argument <= PluginLimits.maxWaitMs else { return KIMI_E_LIMIT }
            steps.append(.wait(id: id, milliseconds: Int(argument)))
        case KIMI_STEP_LOCAL_REPLY where owner == .provider:
            guard argument <= PluginLimits.maxTickMs else { return KIMI_E_LIMIT }
            steps.append(.localReply(milliseconds: Int(argument)))
        case KIMI_STEP_TOKEN where owner == .provider: return add(tokens.token(id))
        case KIMI_STEP_SIGN: return add(tokens.signature(id))
        case KIMI_STEP_GRANT where owner == .auth: return add(tokens.grant)
        default: return KIMI_E_UNSUPPORTED
        }
        return KIMI_OK
    }

    /// Nil: a field is missing.
    private func add(_ step: PlannedStep?) -> kimi_status_code {
        guard let step else { return KIMI_E_ARG }
        steps.append(step)
        return KIMI_OK
    }

    private func close(_ id: UInt32, _ flags: UInt64, _ make: (PlannedRequest) -> PlannedStep) -> kimi_status_code {
        guard !request.url.isEmpty, !request.method.isEmpty else { return KIMI_E_ARG }
        guard body == nil || patch == nil else { return KIMI_E_ARG }
        request.id = id
        request.isStream = flags & UInt64(KIMI_SEND_STREAM.rawValue) != 0
        if flags & UInt64(KIMI_SEND_NO_BODY.rawValue) != 0 {
            request.body = .none
        } else if let body {
            request.body = .bytes(body)
        } else if let patch {
            request.body = .patch(patch)
        } else if owner == .auth {
            request.body = .none  // It has no request to send as it is.
        }
        steps.append(make(request))
        return KIMI_OK
    }

    private func header(
        _ field: kimi_field, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> kimi_status_code {
        guard request.headers.count < PluginLimits.maxHeaders else { return KIMI_E_LIMIT }
        guard Self.isToken(key), value.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
            return KIMI_E_ARG
        }
        let name = String(decoding: key, as: UTF8.self)
        // How the message is framed is the host's business.
        guard !Self.framing.contains(where: { $0.count == key.count && name.lowercased() == $0 }) else {
            return KIMI_E_ARG
        }
        if field == KIMI_FIELD_SECRET_HEADER { request.secretHeaders.append(request.headers.count) }
        request.headers.append((name, String(decoding: value, as: UTF8.self)))
        return KIMI_OK
    }

    private static let framing = ["content-length", "transfer-encoding", "connection"]

    private func append(_ value: UnsafeRawBufferPointer, to bytes: inout [UInt8]?) -> kimi_status_code {
        guard (bytes?.count ?? 0) + value.count <= PluginLimits.maxRequestBytes else { return KIMI_E_LIMIT }
        if bytes == nil { bytes = [] }
        bytes?.append(contentsOf: value)
        return KIMI_OK
    }

    /// A header name or a method by RFC 9110: one or more token characters.
    private static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
