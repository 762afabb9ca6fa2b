import Enforcement
import Testing

@Suite struct TerminationNamesTests {
    private let none = TerminationNames(own: [])

    @Test(arguments: ["done", "Done", "DONE", "final", "Final", "15", "call_3", "call15", "CALL_0", "functions.done"])
    func end(_ name: String) { #expect(none.end(name)) }

    @Test(arguments: [
        "mcp__context7__resolve-library-id", "doner", "call", "call_", "_1", "get_weather", "", "done_1", "15a", "١",
    ])
    func go(_ name: String) { #expect(!none.end(name)) }

    @Test(arguments: ["done", "DONE", "final", "15", "call_3"]) func areTheClients(_ name: String) {
        let names = TerminationNames(own: [name.uppercased()])
        #expect(!names.end(name) && names.hasOwnTool == (name.lowercased() == "done"))
        #expect(!names.end("functions." + name))
    }
}
