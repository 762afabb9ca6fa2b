import OpenAIProviderLogic
import PluginABI
import PluginKit
import Testing

/// Signs its key's name, then grants what came back.
private final class Fetcher: AuthPlugin {
    init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {}

    func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        throw PluginFailure(KIMI_E_UNSUPPORTED, KIMI_CAT_INTERNAL, "not this time")
    }

    func authenticate(_ key: UnsafeRawBufferPointer) throws(PluginFailure) -> any AuthExchange {
        guard !key.isEmpty else { throw PluginFailure(KIMI_E_ARG, KIMI_CAT_AUTH, "no key") }
        return Fetch(Array(key))
    }
}

private final class Fetch: AuthExchange {
    private let key: [UInt8]
    private var token: String?

    init(_ key: [UInt8]) { self.key = key }

    func next(_ plan: Plan) throws(PluginFailure) {
        if let token { return try plan.grant(token: token, expiresAtMs: 7_000, refreshAtMs: 6_000, id: 2) }
        let signed: Result<Void, PluginFailure> = key.withUnsafeBytes { key in
            do throws(PluginFailure) {
                return .success(try plan.sign(key, algorithm: "RS256", key: "reference", id: 1))
            } catch {
                return .failure(error)
            }
        }
        try signed.get()
    }

    func result(_ result: kimi_result) throws(PluginFailure) {
        guard result.status >= 0 else { throw PluginFailure(KIMI_E_AUTH, KIMI_CAT_AUTH, result.body.text) }
        token = result.body.text
    }
}

@Suite("Auth table")
struct AuthTableTests {
    private let table = PluginTesting.authTable.pointee
    private let failure = Failure()
    private let log = Log()

    private func instance<Plugin: ProviderPlugin>(_ type: Plugin.Type) -> OpaquePointer? {
        var instance: OpaquePointer?
        let status = #"{"apiKey":"sk-1"}"#.borrowed { config in
            PluginTesting.create(
                type, host: FakeHost.table, ctx: FakeHost.pointer(log), config: config, instance: &instance,
                error: FakeHost.pointer(failure))
        }
        #expect(status == 0)
        return instance
    }

    private func begin(_ instance: OpaquePointer?, _ key: String, _ exchange: inout OpaquePointer?) -> kimi_status {
        key.borrowed { table.begin(instance, $0, &exchange, FakeHost.pointer(failure)) }
    }

    private func result(_ exchange: OpaquePointer?, _ status: kimi_status_code, _ body: String) -> kimi_status {
        body.borrowed { body in
            var result = kimi_result()
            result.status = kimi_status(status.rawValue)
            result.body = body
            return table.result(exchange, &result, FakeHost.pointer(failure))
        }
    }

    @Test("a machine is stepped from its key to its grant")
    func steps() {
        let instance = instance(Fetcher.self)
        var exchange: OpaquePointer?
        #expect(begin(instance, "the key", &exchange) == 0)
        let sign = PlanRecord(), grant = PlanRecord()
        #expect(table.next(exchange, FakeHost.pointer(sign), FakeHost.pointer(failure)) == 0)
        #expect(sign.steps.map(\.kind) == [KIMI_STEP_SIGN.rawValue])
        #expect(sign.values(KIMI_FIELD_SIGN_DATA) == ["the key"] && sign.values(KIMI_FIELD_SIGN_KEY) == ["reference"])
        #expect(result(exchange, KIMI_OK, "signature") == 0)
        #expect(table.next(exchange, FakeHost.pointer(grant), FakeHost.pointer(failure)) == 0)
        #expect(grant.steps.map(\.kind) == [KIMI_STEP_GRANT.rawValue] && grant.steps.map(\.id) == [2])
        #expect(grant.values(KIMI_FIELD_TOKEN_VALUE) == ["signature"])
        #expect(grant.values(KIMI_FIELD_EXPIRES_AT) == ["7000"] && grant.values(KIMI_FIELD_REFRESH_AT) == ["6000"])
        table.end(exchange, KIMI_WHY_END.rawValue)
        PluginTesting.providerTable.pointee.destroy(instance)
    }

    @Test("failures are described")
    func failures() {
        let instance = instance(Fetcher.self)
        var exchange: OpaquePointer?
        #expect(begin(instance, "", &exchange) == KIMI_E_ARG.rawValue && failure.message == "no key")
        #expect(begin(instance, "k", &exchange) == 0)
        #expect(result(exchange, KIMI_E_ARG, "no such key") == KIMI_E_AUTH.rawValue)
        #expect(failure.message == "no such key" && failure.category == KIMI_CAT_AUTH.rawValue)
        table.end(exchange, KIMI_WHY_FAILED.rawValue)
        PluginTesting.providerTable.pointee.destroy(instance)
    }

    @Test("a provider that fetches no tokens says so, and a NULL is answered, not followed")
    func withoutMachine() {
        let instance = instance(OpenAIProvider.self)
        var exchange: OpaquePointer?
        #expect(begin(instance, "k", &exchange) == KIMI_E_UNSUPPORTED.rawValue && exchange == nil)
        #expect(failure.message.contains("no tokens"))
        #expect(table.begin(nil, kimi_bytes(), &exchange, nil) == KIMI_E_ARG.rawValue)
        #expect(table.next(nil, nil, nil) == KIMI_E_ARG.rawValue)
        #expect(table.result(nil, nil, nil) == KIMI_E_ARG.rawValue)
        table.end(nil, 1)
        PluginTesting.providerTable.pointee.destroy(instance)
    }
}
