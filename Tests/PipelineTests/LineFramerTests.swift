import CanonicalModel
import KimiHostCore
import PluginABI
import Testing

@Suite struct LineFramerTests {
    static let text = [UInt8]("{\"a\":1}\n\n{\"b\":\"ü\"}\r\n{\"c\":3}".utf8)

    static func lines(of pieces: [[UInt8]]) -> [String] {
        var framer = LineFramer()
        var lines: [String] = []
        for piece in pieces { _ = framer.push(piece) { lines += $0.map { $0.data.text } } }
        framer.finish { lines += $0.map { $0.data.text } }
        return lines
    }

    @Test(arguments: 0...text.count) func `any cut gives the same lines`(at position: Int) {
        let pieces = [Array(Self.text[..<position]), Array(Self.text[position...])]
        #expect(Self.lines(of: pieces) == ["{\"a\":1}", "{\"b\":\"ü\"}", "{\"c\":3}"])
    }
}
