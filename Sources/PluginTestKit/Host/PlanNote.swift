import CanonicalModel
package import PluginABI
import WireJSON

/// A step as the plugin described it.
package struct DescribedStep: Equatable, Sendable {
    package var kind: kimi_step
    package var id: UInt32
    package var argument: UInt64
    package var method = "POST"
    package var url: String?
    package var headers: [Header] = []
    package var body: [UInt8]?
    package var patch: [UInt8]?
    package var fields: [Field] = []

    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: String
        package var isSecret: Bool
    }

    package struct Field: Equatable, Sendable {
        package var field: UInt32
        package var value: [UInt8]
    }

    package static func == (left: DescribedStep, right: DescribedStep) -> Bool {
        left.kind == right.kind && left.id == right.id && left.argument == right.argument
            && left.method == right.method && left.url == right.url && left.headers == right.headers
            && left.body == right.body && left.patch == right.patch && left.fields == right.fields
    }

    /// The bytes that go up. Throws if the patch is none.
    func wholeBody(of request: [UInt8]) throws(JSONError) -> [UInt8] {
        if let body { return body }
        if argument & UInt64(KIMI_SEND_NO_BODY.rawValue) != 0 { return [] }
        guard let patch else { return request }
        return try patch.withBytes { patch throws(JSONError) in
            try request.withBytes { request throws(JSONError) in try JSONEdit.mergePatch(patch, into: request) }
        }
    }
}

/// Behind `kimi_plan`.
final class PlanNote: HandleRecord, @unchecked Sendable {
    override class var word: String { "plan" }
    private static let maxFieldBytes = 64 << 10
    private var step = DescribedStep(kind: KIMI_STEP_SEND, id: 0, argument: 0)
    private(set) var steps: [DescribedStep] = []
    private(set) var wasRefused = false

    private func isRefused() -> Bool {
        let number = run.with { state in
            state.planCalls += 1
            return state.planCalls
        }
        guard number == run.behaviour.planFailsAt else { return false }
        wasRefused = true
        return true
    }

    func field(_ field: UInt32, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> kimi_status_code {
        if isRefused() { return KIMI_E_LIMIT }
        if !steps.isEmpty { run.breach(.plan, "plan_field after plan_step (S07)") }
        switch kimi_field(field) {
        case KIMI_FIELD_BODY: step.body = (step.body ?? []) + value
        case KIMI_FIELD_BODY_PATCH: step.patch = (step.patch ?? []) + value
        case KIMI_FIELD_METHOD: step.method = String(decoding: value, as: UTF8.self)
        case KIMI_FIELD_URL: step.url = String(decoding: value, as: UTF8.self)
        case KIMI_FIELD_HEADER, KIMI_FIELD_SECRET_HEADER:
            step.headers.append(
                .init(
                    name: String(decoding: key, as: UTF8.self), value: String(decoding: value, as: UTF8.self),
                    isSecret: field == KIMI_FIELD_SECRET_HEADER.rawValue))
        case KIMI_FIELD_TOKEN_KEY, KIMI_FIELD_SIGN_ALG, KIMI_FIELD_SIGN_KEY, KIMI_FIELD_SIGN_DATA,
            KIMI_FIELD_TOKEN_VALUE, KIMI_FIELD_EXPIRES_AT, KIMI_FIELD_REFRESH_AT:
            step.fields.append(.init(field: field, value: Array(value)))
        default:
            run.breach(.plan, "plan_field \(field) is none of ABI 1.0")
            return KIMI_E_ARG
        }
        return fault(of: field, key, value)
    }

    /// As the host answers: wrong bytes are refused.
    private func fault(
        of field: UInt32, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> kimi_status_code {
        let isBody = field == KIMI_FIELD_BODY.rawValue || field == KIMI_FIELD_BODY_PATCH.rawValue
        guard !isBody else { return KIMI_OK }
        guard value.count <= Self.maxFieldBytes, key.count <= Self.maxFieldBytes else { return KIMI_E_LIMIT }
        let isData = field == KIMI_FIELD_SIGN_DATA.rawValue
        let isControl = { (byte: UInt8) in byte < 0x20 && byte != 0x09 || byte == 0x7F }
        guard isData || !(key.contains(where: isControl) || value.contains(where: isControl)) else {
            run.breach(.plan, "a \(PlanRules.word(field)) has control characters")
            return KIMI_E_ARG
        }
        return KIMI_OK
    }

    func close(_ kind: UInt32, _ id: UInt32, _ argument: UInt64) -> kimi_status_code {
        if isRefused() { return KIMI_E_LIMIT }
        guard steps.isEmpty else {
            run.breach(.plan, "plan_step was called twice in one next (S07)")
            return KIMI_E_STATE
        }
        guard (KIMI_STEP_SEND.rawValue...KIMI_STEP_GRANT.rawValue).contains(kind) else {
            run.breach(.plan, "plan_step \(kind) is none of ABI 1.0")
            return KIMI_E_UNSUPPORTED
        }
        (step.kind, step.id, step.argument) = (kimi_step(kind), id, argument)
        guard PlanRules.missing(step).map({ run.breach(.plan, $0) }) == nil else { return KIMI_E_ARG }
        steps.append(step)
        return KIMI_OK
    }
}

/// What a step must have.
enum PlanRules {
    static func word(_ field: UInt32) -> String {
        switch kimi_field(field) {
        case KIMI_FIELD_METHOD: "METHOD"
        case KIMI_FIELD_URL: "URL"
        case KIMI_FIELD_HEADER: "HEADER"
        case KIMI_FIELD_SECRET_HEADER: "SECRET_HEADER"
        case KIMI_FIELD_TOKEN_KEY: "TOKEN_KEY"
        case KIMI_FIELD_SIGN_ALG: "SIGN_ALG"
        case KIMI_FIELD_SIGN_KEY: "SIGN_KEY"
        case KIMI_FIELD_SIGN_DATA: "SIGN_DATA"
        case KIMI_FIELD_TOKEN_VALUE: "TOKEN_VALUE"
        case KIMI_FIELD_EXPIRES_AT: "EXPIRES_AT"
        default: "field \(field)"
        }
    }

    /// A field that the step cannot do without, as a sentence.
    static func missing(_ step: DescribedStep) -> String? {
        let needed: [kimi_field] =
            switch step.kind {
            case KIMI_STEP_TOKEN: [KIMI_FIELD_TOKEN_KEY]
            case KIMI_STEP_SIGN: [KIMI_FIELD_SIGN_ALG, KIMI_FIELD_SIGN_KEY, KIMI_FIELD_SIGN_DATA]
            case KIMI_STEP_GRANT: [KIMI_FIELD_TOKEN_VALUE, KIMI_FIELD_EXPIRES_AT]
            default: []
            }
        if step.kind == KIMI_STEP_SEND || step.kind == KIMI_STEP_HTTP, step.url == nil {
            return "the step \(TranscriptReader.word(step.kind)) has no URL"
        }
        for field in needed where !step.fields.contains(where: { $0.field == field.rawValue }) {
            return "the step \(TranscriptReader.word(step.kind)) has no \(word(field.rawValue))"
        }
        return nil
    }

    private static let ofHost = ["content-length", "transfer-encoding", "connection"]

    /// What is wrong with a request that is to be sent. `refusal`: the host's word on its URL.
    static func faults(_ step: DescribedStep, request: [UInt8], isPluginBody: Bool) -> [String] {
        var faults: [String] = []
        for header in step.headers {
            if header.name.isEmpty || !header.name.utf8.allSatisfy(isTokenByte) {
                faults.append("'\(header.name)' is no name of a header")
            }
            if ofHost.contains(header.name.lowercased()) { faults.append("the header \(header.name) is the host's") }
        }
        if !step.method.utf8.allSatisfy(isTokenByte) { faults.append("the method is '\(step.method)'") }
        if step.body != nil, step.patch != nil { faults.append("a plan has both BODY and BODY_PATCH") }
        do {
            _ = try step.wholeBody(of: request)
        } catch {
            faults.append("BODY_PATCH cannot be applied: \(error.message)")
        }
        return faults
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !#"()<>@,;:\"/[]?={}"#.utf8.contains(byte)
    }
}
