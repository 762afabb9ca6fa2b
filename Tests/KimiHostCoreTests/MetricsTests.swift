import KimiHostCore
import PluginHost
import Testing

@Suite("Metrics") struct MetricsTests {
    @Test func `labels are escaped and families are complete`() {
        let metrics = HostMetrics()
        metrics.exchangeBegan()
        metrics.exchangeBegan()
        metrics.exchangeEnded(model: "a\"b\\c\nd", provider: "p", .cancelled, notes: [])
        let text = PrometheusText(metrics.snapshot, memories: []).text
        #expect(text.contains(#"kimi_exchanges_total{model="a\"b\\c\nd",provider="p",outcome="cancelled"} 1"#))
        #expect(text.contains("\nkimi_exchanges_active 1\n"))
        #expect(text.hasSuffix("\n"))
    }
}
