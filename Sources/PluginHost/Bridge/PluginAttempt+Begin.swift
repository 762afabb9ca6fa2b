internal import CPlatform
import CanonicalModel
import PluginABI
import WireJSON

/// How exchanges begin, and what a transform's begin does to the request. Of attempts of both kinds.
extension PluginAttempt {
    static func begin(
        _ provider: ProviderInstance, _ request: PluginRequest, _ errors: ErrorRecord, _ tag: RequestTag
    ) throws(ExchangeError) -> OpaquePointer {
        try exchange(of: status(ofBeginning: provider, request, errors, tag), provider, errors)
    }

    static func status(
        ofBeginning provider: ProviderInstance, _ request: PluginRequest, _ errors: ErrorRecord, _ tag: RequestTag
    ) -> (status: kimi_status, exchange: OpaquePointer?) {
        var exchange: OpaquePointer?
        let status = request.withABI { request in
            provider.mark.call(PG_BEGIN, tag) {
                provider.table.pointee.begin(provider.instance, request, &exchange, errors.opaque)
            }
        }
        return (status, exchange)
    }

    static func exchange(
        of begun: (status: kimi_status, exchange: OpaquePointer?), _ provider: ProviderInstance, _ errors: ErrorRecord
    ) throws(ExchangeError) -> OpaquePointer {
        if begun.status.isFailure { throw errors.take(begun.status, provider.mark, plugin: provider.name, PG_BEGIN) }
        guard let exchange = begun.exchange else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(provider.name)' returned no exchange from begin")
        }
        return exchange
    }

    static func begin(
        _ transform: TransformInstance, _ request: inout PluginRequest, _ book: NoteBook, _ tag: RequestTag
    ) throws(ExchangeError) -> OpaquePointer? {
        let errors = ErrorRecord()
        let edit = RequestEditRecord(plugin: transform.name, book: book)
        var exchange: OpaquePointer?
        let status = request.withABI { request in
            transform.mark.call(PG_BEGIN, tag) {
                transform.table.pointee.begin(transform.instance, request, edit.opaque, &exchange, errors.opaque)
            }
        }
        if status.isFailure { throw errors.take(status, transform.mark, plugin: transform.name, PG_BEGIN) }
        do {
            try apply(edit, status, &request)
            edit.tell(status)
        } catch {
            if let exchange {
                transform.mark.call(PG_END, tag) { transform.table.pointee.end(exchange, KIMI_WHY_FAILED.rawValue) }
            }
            throw ExchangeError(
                KIMI_CAT_INTERNAL,
                "plugin '\(transform.name)' changed the request to something that is no JSON object: \(error.message)")
        }
        return exchange
    }

    static func apply(
        _ edit: RequestEditRecord, _ status: kimi_status, _ request: inout PluginRequest
    ) throws(JSONError) {
        guard status != kimi_status(KIMI_UNCHANGED), let how = edit.how else { return }
        guard how == KIMI_PUT_REPLACE else { return request.json = try merge(edit.data, into: request.json) }
        _ = try edit.data.withBytes { bytes throws(JSONError) in try JSONSpans.members(of: bytes) }
        request.json = edit.data
    }

    static func merge(_ patch: [UInt8], into json: [UInt8]) throws(JSONError) -> [UInt8] {
        try patch.withBytes { patch throws(JSONError) in
            try json.withBytes { json throws(JSONError) in try JSONEdit.mergePatch(patch, into: json) }
        }
    }
}

extension PlannedRequest {
    /// The body that goes up, of the canonical request `json`; nil: none. Throws what a patch that cannot be applied costs.
    func bytes(of json: [UInt8], plugin: String) throws(ExchangeError) -> [UInt8]? {
        switch body {
        case .none: return nil
        case .bytes(let bytes): return bytes
        case .request: return json
        case .patch(let patch):
            do throws(JSONError) {
                return try PluginAttempt.merge(patch, into: json)
            } catch {
                throw ExchangeError(
                    KIMI_CAT_INTERNAL, "plugin '\(plugin)' gave a body patch that cannot be applied: \(error.message)")
            }
        }
    }
}
