import CanonicalModel
import Dialects
import Testing
import WireJSON

/// Bodies that nobody sends on purpose.
@Suite struct ResponsesNoiseTests {
    private static let body = Array(
        #"{"model":"k2","instructions":"i","input":[\#(ResponsesInputTests.items.map(\.0).joined(separator: ","))],"tools":[{"type":"function","name":"f","parameters":{}},{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"x"}},{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]},{"type":"apply_patch"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},"text":{"format":{"type":"json_schema","name":"n","schema":{}}},"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"],"stream":true}"#
            .utf8)

    private func check(_ body: [UInt8], _ parser: JSONParser) {
        body.withUnsafeBytes { bytes in
            _ = ResponsesLookups(bytes, parser: parser)
            do throws(ExchangeError) {
                let request = try ResponsesDecoder().decode(bytes, parser: parser)
                #expect((try? parser.parse(request.request.json)) != nil)
                #expect((try? parser.parse(request.items)) != nil)
                #expect((try? parser.parse(Array("{".utf8) + request.context.echo + Array("}".utf8))) != nil)
                #expect((try? parser.parse(Array("{".utf8) + request.context.longEcho + Array("}".utf8))) != nil)
            } catch {
                #expect(error.httpStatus == 400)
            }
        }
    }

    @Test func `cut anywhere`() {
        let parser = JSONParser()
        for end in Self.body.indices { check(Array(Self.body[..<end]), parser) }
    }

    @Test func `any value in place of any other`() throws {
        let parser = JSONParser()
        let values = [
            "null", "5", "-0.1", "true", "\"x\"", "[]", "{}", "[{}]", "[[]]", #"{"type":"function"}"#,
            #"{"role":"user"}"#,
        ]
        for range in ranges() {
            for value in values {
                check(
                    Array(Self.body[..<range.lowerBound]) + Array(value.utf8) + Array(Self.body[range.upperBound...]),
                    parser)
            }
        }
    }

    @Test(arguments: 0..<2_000) func `bytes changed`(seed: Int) {
        var dice = Dice(UInt64(seed) + 5)
        var body = Self.body
        for _ in 0...dice.roll(3) {
            body[dice.roll(body.count)] = dice.pick(Array("\"{}[]:,\\u0ax\n \u{FF}".utf8))
        }
        check(body, JSONParser())
    }

    /// Where values stand: found by a walk of its own.
    private func ranges() -> [Range<Int>] {
        var result: [Range<Int>] = []
        func walk(_ range: Range<Int>) {
            result.append(range)
            Self.body[range].withUnsafeBytes { bytes in
                for member in (try? JSONSpans.members(of: bytes)) ?? [] {
                    walk(
                        range.lowerBound + member.valueRange.lowerBound..<range.lowerBound
                            + member.valueRange.upperBound)
                }
                for element in (try? JSONSpans.elements(of: bytes)) ?? [] {
                    walk(
                        range.lowerBound + element.valueRange.lowerBound..<range.lowerBound
                            + element.valueRange.upperBound)
                }
            }
        }
        walk(Self.body.indices)
        return result
    }
}
