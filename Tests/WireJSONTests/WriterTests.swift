import Testing
import WireJSON

@Suite("ByteWriter")
struct WriterTests {
    private func quoted(_ bytes: [UInt8]) -> String {
        let writer = ByteWriter(capacity: 1)
        bytes.withUnsafeBytes { writer.appendJSONString($0) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("every control character, quote and backslash is escaped at every position of a word")
    func escapes() throws {
        for byte in UInt8(0)..<0x80 {
            for length in 0..<20 {
                for position in 0...length {
                    var text = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                    text.insert(byte, at: position)
                    let json = quoted(text)
                    let parser = JSONParser()
                    let value = try parser.parse(Array(json.utf8))
                    #expect(value.stringBytes.map { Array($0) } == text)
                }
            }
        }
        #expect(
            quoted(Array("a\"b\\c\n\r\t\u{8}\u{c}\u{1f}/\u{7f}".utf8)) == "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u001f/\u{7f}\""
        )
    }

    @Test("text beyond ASCII stays as it is, short and long")
    func unicode() {
        for text in ["é", "月之暗面", "😀", String(repeating: "思考中…\n", count: 50)] {
            #expect(quoted(Array(text.utf8)) == "\"" + text.replacingNewlines() + "\"")
        }
    }

    @Test("what is not UTF-8 becomes U+FFFD, in short and long texts")
    func malformed() throws {
        let bad: [[UInt8]] = [
            [0xFF], [0xC3], [0xE4, 0xBD], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xC0, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
        ]
        for bytes in bad {
            for pad in [0, 3, 100] {
                let text = [UInt8](repeating: 0x61, count: pad) + bytes + Array("né".utf8)
                let parser = JSONParser()
                let value = try parser.parse(Array(quoted(text).utf8))
                let string = try #require(value.string)
                #expect(string.hasSuffix("\u{FFFD}né"))
                #expect(string.hasPrefix(String(repeating: "a", count: pad)))
            }
        }
    }

    @Test("numbers print as JSON reads them")
    func numbers() throws {
        let writer = ByteWriter()
        for number in [0, 1, -1, 9, 10, 99, 100, Int64.max, Int64.min] {
            writer.removeAll()
            writer.append(int: number)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == String(number))
        }
        writer.removeAll()
        writer.append(uint: .max)
        writer.append(" ")
        writer.append(double: 0.1)
        writer.append(" ")
        writer.append(double: .infinity)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "18446744073709551615 0.1 null")
        #expect(try minified("[1e300,5e-324,0.30000000000000004,-0.0]") == "[1e+300,5e-324,0.30000000000000004,-0.0]")
    }

    @Test("content can be taken back and dropped")
    func truncation() {
        let writer = ByteWriter()
        writer.append("abcdef")
        writer.truncate(to: 3)
        writer.append(utf8: "x")
        #expect(writer.withBytes { Array($0) } == Array("abcx".utf8))
        writer.append(bytes: [UInt8](repeating: 1, count: 10_000))
        writer.removeAll(keepingCapacity: false)
        #expect(writer.count == 0)
        writer.append("y")
        #expect(writer.bytes == [0x79])
    }
}

extension String {
    fileprivate func replacingNewlines() -> String {
        split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }
}
