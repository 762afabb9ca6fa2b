import LogModel
import RequestLog
import Testing

@Suite struct QueryTests {
    let folder = TemporaryFolder()

    private func filled() async throws -> RequestLog {
        let log = try RequestLog(path: folder.file, timing: .quick, clock: { 60_000 })
        for number in 0..<30 {
            var entry = record("\(number)", began: 1_000 * Int64(number))
            if number % 3 == 0 { entry.model = "other" }
            if number % 5 == 0 { (entry.outcome, entry.status) = (.failed, 429) }
            if number % 7 == 0 { entry.notes = [.init(plugin: "p", kind: "names", count: 1, details: [])] }
            if number % 7 == 1 { entry.notes = [.init(plugin: "p", kind: "dropped", count: 1, details: [])] }
            log.submit(entry)
        }
        _ = await log.settles()
        return log
    }

    @Test func filtersAndPages() async throws {
        let log = try await filled()
        // Beside the running writer.
        let reader = try LogReader(path: folder.file)
        let first = try reader.list(limit: 12)
        let second = try reader.list(before: first.last?.sequence, limit: 100)
        #expect((first + second).map(\.id) == (0..<30).reversed().map { "\($0)" })
        var filter = LogFilter()
        filter.model = "other"
        #expect(try reader.list(filter, limit: 100).count == 10)
        filter.hasError = true
        #expect(try reader.list(filter, limit: 100).map(\.id) == ["15", "0"])
        filter = LogFilter()
        filter.hasRepair = true
        #expect(try reader.list(filter, limit: 100).map(\.id) == ["28", "21", "14", "7", "0"])
        filter = LogFilter()
        (filter.since, filter.until) = (5_012, 8_012)
        #expect(try reader.list(filter, limit: 100).map(\.id) == ["7", "6", "5"])
        filter = LogFilter()
        filter.status = 429
        filter.model = "' OR 1=1 --"
        #expect(try reader.list(filter, limit: 100).isEmpty)
        let last = try reader.newest()
        log.submit(record("new"))
        #expect(await log.settles())
        #expect(try reader.list(after: last, limit: 10).map(\.id) == ["new"])
        await log.close()
    }

    @Test func whatIsNoLogIsRefused() throws {
        #expect(throws: LogError.self) { try LogReader(path: folder.path + "/none.db") }
        run("sh", "-c", "echo 'no database, but long enough to look like one to somebody' > \(folder.file)")
        #expect(throws: LogError.self) { try LogReader(path: folder.file) }
    }

    @Test func whyALogCannotBeReadIsSaid() throws {
        func reason(_ path: String) -> String {
            do throws(LogError) {
                _ = try LogReader(path: path)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(reason("/dev/null").contains("not a regular file"))
        #expect(reason(folder.path).contains("not a regular file"))
        run("sh", "-c", ": > \(folder.file)")
        #expect(reason(folder.file).contains("no log yet"))
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func aLogOnReadOnlyMediaIsRead() async throws {
        let disk = try #require(SmallDisk())
        let path = disk.folder.path + "/a%20?#.db"
        let log = try RequestLog(path: path, timing: .quick)
        log.submit(record("a"))
        #expect(await log.settles())
        await log.close()
        run("rm", "-f", path + "-wal", path + "-shm")
        #expect(run("mount", "-o", "remount,ro", disk.folder.path) == 0)
        #expect(try LogReader(path: path).list(limit: 9).map(\.id) == ["a"])
        #expect(run("mount", "-o", "remount,rw", disk.folder.path) == 0)
        run("sh", "-c", "echo x > '\(path)-wal'")
        #expect(run("mount", "-o", "remount,ro", disk.folder.path) == 0)
        #expect(throws: LogError.self) { try LogReader(path: path) }
    }

    private func curl(_ entry: ExchangeRecord) async throws -> String {
        let log = try RequestLog(path: folder.file, timing: .quick)
        log.submit(entry)
        #expect(await log.settles())
        await log.close()
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find(entry.id))
        return CurlCommand.text(of: row, bodies: try reader.bodies(of: row), base: "http://h")
    }

    @Test func aCurlCommandNamesTheProfile() async throws {
        var entry = record("a", body: "{}")
        entry.profile = "fast é/?"
        #expect(try await curl(entry).contains(" 'http://h/fast%20%C3%A9%2F%3F/v1/chat/completions' "))
    }

    @Test func aLongBodyIsACurlCommandsInput() async throws {
        let body = "{\"a\":\"'$x`" + String(repeating: "y", count: 300_000) + "\",\nEOF\nEOF1\n\"b\":1}"
        let text = try await curl(record("a", body: body))
        #expect(text.hasSuffix(" --data-binary @- <<'EOF2'\n\(body)\nEOF2"))
    }

    @Test func aCurlCommandQuotesEverything() async throws {
        let log = try await filled()
        await log.close()
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find("1"))
        let bodies = try reader.bodies(of: row)
        let curl = CurlCommand.text(of: row, bodies: bodies, base: "http://127.0.0.1:8000")
        #expect(
            curl == """
                curl -sS 'http://127.0.0.1:8000/v1/chat/completions' -H 'content-type: application/json' \
                --data-raw '{"model":"kimi","n":"1"}'
                """)
    }
}
