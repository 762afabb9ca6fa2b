import LogModel
import RequestLog
import Testing

@Suite struct SecretTests {
    let folder = TemporaryFolder()

    @Test func secretsNeverReachTheDisk() async throws {
        let redaction = try Redaction(patterns: ["sk-[A-Za-z0-9]{8,}", "x*"])
        let log = try RequestLog(path: folder.file, redaction: redaction, timing: .quick)
        var entry = record("a", body: "{\"k\":\"PLANTED-ONE\",\"s\":\"sk-PLANTEDTWO99\"}")
        entry.model = "PLANTED-ONE"
        entry.failure = .init(category: "auth", message: "bad key PLANTED-ONE, sk-PLANTEDTWO99", code: nil)
        entry.attempts[0].url = "https://up/?key=PLANTED-ONE"
        // A secret in two arrivals.
        entry.attempts[0].reply.append(bytes("PLANT"), limit: 1_000)
        entry.attempts[0].reply.append(bytes("ED-ONE"), limit: 1_000)
        entry.mask = WordMask(word: "PLANTED-ONE")
        log.submit(entry)
        #expect(await log.settles())
        // What is packed is looked for unpacked.
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find("a"))
        let all = row.json(with: try reader.bodies(of: row)) + row.model
        #expect(!all.contains("PLANTED") && all.contains(#"{\"k\":\"***\",\"s\":\"***\"}"#))
        #expect(run("grep", "-rqa", "PLANTED", folder.path) == 1)
        await log.close()
        #expect(run("grep", "-rqa", "PLANTED", folder.path) == 1)
    }

    @Test(arguments: [
        ("a", "banana", "b***n***n***"), ("^b", "banana", "***anana"), ("^b", "bbb", "***bb"),
        ("x", "banana", "banana"), ("z*", "aza", "a***a"),
        ("[0-9]+", "1 22 ", "*** *** "),
    ])
    func patterns(pattern: String, text: String, expected: String) throws {
        let result = try Redaction(patterns: [pattern]).applied(to: bytes(text))
        #expect(String(decoding: result, as: UTF8.self) == expected)
    }

    @Test func aBrokenPatternIsRefused() {
        #expect(throws: LogError.self) { try Redaction(patterns: ["("]) }
    }
}
