import CanonicalModel
import PluginHost

/// A plugin in Python that does nothing, for `plugin bench`: what is left is the message, the switch to the process and
/// back, and the interpreter.
struct PythonNoOp {
    private let file: String

    /// Nil if it cannot be written.
    init?() {
        file = "/tmp/kimi-host-noop-\(Measure.processID).py"
        guard Files.write(file, Self.text) else { return nil }
    }

    func remove() { Files.remove(file) }

    /// As `measure`, of the plugin that does nothing. Nil if it does not load.
    func measure(_ plugin: PluginUnderTest, _ measure: () -> Bench.Cost?) -> Bench.Cost? {
        do {
            return try plugin.withProcess(of: file, measure) ?? nil
        } catch {
            return nil
        }
    }

    private static let text = """
        import kimi_plugin as kimi

        class Provider(kimi.Provider):
            def next(self, plan):
                plan.field(kimi.URL, "https://kit.invalid/")
                plan.step(kimi.SEND)

        kimi.plugin(id="dev.kimi-host.noop", name="noop", version="1.0.0", word="noop", provider=Provider,
                    transform=kimi.Transform)

        """
}
