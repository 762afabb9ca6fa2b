import PluginABI
import PluginHost
import Testing

/// A C transform of forty lines works through its table.
@Suite struct GoodTransformTests {
    @Test func `it is fed events and emits its own`() throws {
        let plugin = try TestHost.shared.loader().load(file: try BuiltPlugins.path("good_transform.so"))
        let table = try #require(plugin.transform).pointee
        let (error, sink) = (ErrorRecord(), SinkRecord())
        var instance: OpaquePointer?
        var exchange: OpaquePointer?
        var request = kimi_request()
        request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
        #expect(table.event_mask == 1 << KIMI_EVENT_TEXT.rawValue)
        let created = withBytes("{}") { table.create(TestHost.shared.table, nil, $0, &instance, error.pointer) }
        #expect(created == KIMI_OK.rawValue)
        #expect(table.begin(instance, &request, nil, &exchange, error.pointer) == KIMI_UNCHANGED.rawValue)
        for word in ["low", "er"] {
            withBytes(word) { text in
                var event = kimi_event()
                (event.type, event.a) = (UInt32(KIMI_EVENT_TEXT.rawValue), text)
                #expect(table.feed(exchange, &event, 1, sink.pointer, error.pointer) == KIMI_OK.rawValue)
            }
        }
        #expect(table.flush(exchange, UInt32(KIMI_WHY_END.rawValue), sink.pointer, error.pointer) == KIMI_OK.rawValue)
        table.end(exchange, UInt32(KIMI_WHY_END.rawValue))
        table.destroy(instance)
        #expect(sink.events.map(\.a) == ["LOW", "ER"])
    }
}
