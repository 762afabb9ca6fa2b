// @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. Swift on the
// C header alone.
//
// It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
// point, so each event can be looked at by itself and nothing is held back.
//
// A trap (`!`, an index out of range, an overflow) ends the host's process: write code that cannot trap.

let manifest: StaticString = """
    {
      "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
      "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
      "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}
    }
    """

/// A configured use. Nothing changes it after create: many threads use it at once.
final class Instance: Sendable {
    nonisolated(unsafe) let host: Host

    init(host: Host) { self.host = host }
}

/// One attempt of one request. What must be remembered from call to call belongs here.
final class Exchange {
    let host: Host

    init(_ instance: Instance) { host = instance.host }

    /// False: nobody listens any more.
    func feed(_ event: kimi_event, _ sink: OpaquePointer?) throws(Failure) -> Bool {
        var event = event
        guard event.type == KIMI_EVENT_TEXT.rawValue, let changed = withPlainQuotes(event.a.buffer) else {
            return try !isStop(host.pointee.emit(sink, &event, 1))
        }
        let status = changed.withUnsafeBufferPointer { text in
            event.a = kimi_bytes(text)  // the host copies it before emit returns
            return host.pointee.emit(sink, &event, 1)
        }
        return try !isStop(status)
    }
}

/// Is there a quotation mark, U+2018 to U+201F, at this place? Its plain form.
func plain(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt8? {
    guard text.count - index >= 3, text[index] == 0xE2, text[index + 1] == 0x80 else { return nil }
    switch text[index + 2] {
    case 0x98...0x9B: return UInt8(ascii: "'")
    case 0x9C...0x9F: return UInt8(ascii: "\"")
    default: return nil
    }
}

/// The text with plain marks; nil if there are none to change.
func withPlainQuotes(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard text.indices.contains(where: { plain(text, at: $0) != nil }) else { return nil }
    var made: [UInt8] = []
    made.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
        let mark = plain(text, at: index)
        made.append(mark ?? text[index])
        index += mark != nil ? 3 : 1
    }
    return made
}

// MARK: The table

nonisolated(unsafe) let table: UnsafePointer<kimi_transform> = {
    let table = UnsafeMutablePointer<kimi_transform>.allocate(capacity: 1)
    table.initialize(
        to: kimi_transform(
            struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: 1 << KIMI_EVENT_TEXT.rawValue,
            create: { host, _, _, instance, _ in
                guard let host, let instance else { return misuse }
                instance.pointee = handedOver(Instance(host: host))
                return kimi_status(KIMI_OK.rawValue)
            },
            destroy: { takenBack($0) },
            // To change the request: host.pointee.put(out, KIMI_PUT_MERGE_PATCH.rawValue, ...), and return KIMI_OK.
            begin: { instance, _, _, exchange, _ in
                guard let instance = borrowed(instance, Instance.self), let exchange else { return misuse }
                exchange.pointee = handedOver(Exchange(instance))
                return kimi_status(KIMI_UNCHANGED.rawValue)
            },
            feed: { exchange, events, n, sink, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.host, error) { () throws(Failure) in
                    for event in UnsafeBufferPointer(start: events, count: n) {
                        guard try exchange.feed(event, sink) else { break }
                    }
                    return KIMI_OK
                }
            },
            // Nothing is held back, so there is nothing to give up.
            flush: { _, _, _, _ in kimi_status(KIMI_OK.rawValue) },
            end: { exchange, _ in takenBack(exchange) }))
    return UnsafePointer(table)
}()

@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    answer(handshake, manifest) { id in
        guard let id, String(cString: id) == KIMI_TRANSFORM_ID else { return nil }
        return UnsafeRawPointer(table)
    }
}
