import CanonicalModel
import KimiHostCore
import Testing

@Suite("Metrics of models") struct ObservabilityTests {
    @Test func `pauses fall into the buckets of the durations`() {
        // Bounds are inclusive, and each is twice the one before.
        var limit = 10_000
        for bucket in 0..<14 {
            #expect(Self.bucket(of: limit) == bucket, "\(limit) us")
            #expect(Self.bucket(of: limit + 1) == bucket + 1, "\(limit + 1) us")
            limit *= 2
        }
        #expect(Self.bucket(of: 0) == 0 && Self.bucket(of: -5) == 0 && Self.bucket(of: .max) == 14)
    }

    private static func bucket(of gap: Int) -> Int? {
        var gaps = ChunkGaps()
        gaps.add(microseconds: gap)
        return (0..<16).first { gaps.counts[$0] == 1 }
    }

    @Test func `routes beyond the bound are counted together`() {
        let metrics = HostMetrics()
        for number in 0..<(MetricLabels.maxRoutes + 50) {
            metrics.exchangeBegan()
            var measure = ExchangeMeasure(asked: "asked-\(number)", dialect: "openai.chat")
            measure.attempts = [.init(model: "m\(number)", provider: "p", duration: 10, firstChunk: nil)]
            metrics.exchangeEnded(model: "m\(number)", provider: "p", .ok, notes: [], measure: measure)
            metrics.cooled(model: "m\(number)", provider: "p", .route)
            metrics.resumed(model: "m\(number)", provider: "p")
            metrics.enforced(model: "m\(number)", provider: "p", result: "natural", attempts: 1)
        }
        let text = PrometheusText(metrics.snapshot, memories: []).text
        for name in ["kimi_cooldowns_total", "kimi_resumed_total", "kimi_enforced_total", "kimi_exchanges_total"] {
            let lines = text.split(separator: "\n").filter { $0.hasPrefix(name + "{") }
            #expect(lines.count == MetricLabels.maxRoutes + 1)
            #expect(lines.contains { $0.contains("model=\"other\",provider=\"other\"") && $0.hasSuffix(" 50") })
        }
    }

    @Test(arguments: [
        ("key sk-abcdefghij0123456789 here", "key *** here"),
        ("Authorization: Bearer abcdef123", "Authorization: Bearer ***"),
        ("AUTHORIZATION=abcdef123;", "AUTHORIZATION=***;"),
        (#"{"x-api-key": "abcdef123"}"#, #"{"x-api-key": "***"}"#),
        (#"{\"password\":\"abcdef123\"}"#, #"{\"password\":\"***\"}"#),
        ("a bearer of news, basic english", "a bearer of news, basic ***"),
        ("sk-short and the word password, said", "sk-short and the word password, said"),
        ("model=kimi-k2 provider=openai ms=12", "model=kimi-k2 provider=openai ms=12"),
        ("", ""),
        ("Bearer", "Bearer"), ("api_key=", "api_key="),
        ("Authorization: ApiKey abcdef123", "Authorization: ApiKey ***"),
        ("authorization: Token abcdef123, x", "authorization: Token ***, x"),
        ("Proxy-Authorization: Odd abcdef123", "Proxy-Authorization: Odd ***"),
        ("Authorization: Unheard-of abcdef123 so", "Authorization: *** *** so"),
        (#""authorization":"Bearer abcdef123","n":1"#, #""authorization":"Bearer ***","n":1"#),
        ("password: p@ss!w$rd#1 here", "password: *** here"),
        (#"{"db_password": "two words, and \"more\"", "n": 1}"#, #"{"db_password": "***", "n": 1}"#),
        (#"{\"client_secret\":\"a b c d e\"}"#, #"{\"client_secret\":\"***\"}"#),
        ("OPENAI_API_KEY=abcdef123 make", "OPENAI_API_KEY=*** make"),
        ("refresh-token: abcdef123; idToken=abcdef123", "refresh-token: ***; idToken=***"),
        ("GET https://h/p?key=abcdef123&x=1&token=abcdef123 no", "GET https://h/p?key=***&x=1&token=*** no"),
        ("at https://user:pass@host:1/p, http://h/@x", "at https://***@host:1/p, http://h/@x"),
        ("Cookie: a=b; session=abcdef123", "Cookie: ***"),
        (#"{"api_key": "", "message": "broken"}"#, #"{"api_key": "", "message": "broken"}"#),
        ("input_tokens=12345678 invalid_token: expired", "input_tokens=12345678 invalid_token: expired"),
        ("the key is missing: set authorization, or x-api-key", "the key is missing: set authorization, or x-api-key"),
        ("a://b://c", "a://b://c"), ("password=\"", "password=\""),
    ])
    func `what looks like a secret is hidden`(_ line: String, _ shown: String) {
        #expect(SecretText.masked(line) == shown)
    }

    @Test(arguments: ["bearer ", "password: \"", "://", "authorization: a ", "cookie=", "\"", "key=", "é"])
    func `long lines are masked in linear time`(_ piece: String) {
        let line = String(repeating: piece, count: 400_000 / piece.utf8.count)
        let began = ContinuousClock.now
        _ = SecretText.masked(line)
        #expect(ContinuousClock.now - began < .seconds(2))
    }

    @Test func `lines stay lines`() {
        #expect(LogText.plain("a\nb\u{1b}[0m\u{9b}\u{202e}é\t") == #"a\u{a}b\u{1b}[0m\u{9b}\u{202e}é\u{9}"#)
        #expect(LogText.oneLine(String(repeating: "é", count: 2_000)).utf8.count == LogText.maxBytes + 3)
    }

    @Test func `a trace's header is read as the recommendation says`() throws {
        let trace = "0af7651916cd43dd8448eb211c80319c"
        let header = "00-\(trace)-00f067aa0ba902b7-01"
        let context = try #require(TraceContext(parents: [header], states: ["a=1", "b@c=2"]))
        #expect(context.header == header && context.isSampled && context.state == "a=1,b@c=2")
        #expect(context.traceID.text == trace && context.spanID == 0x00F0_67AA_0BA9_02B7)
        #expect(TraceContext(parents: [header, header], states: []) == nil)
        // Every wrong byte, and every cut, makes it none, but for the version and the flags.
        let bytes = Array(header.utf8)
        for place in bytes.indices {
            var wrong = bytes
            wrong[place] = UInt8(ascii: "g")
            #expect(TraceContext(parents: [String(decoding: wrong, as: UTF8.self)], states: []) == nil)
            #expect(TraceContext(parents: [String(decoding: bytes[..<place], as: UTF8.self)], states: []) == nil)
        }
        let unsampled = try #require(TraceContext(parents: ["00-\(trace)-00f067aa0ba902b7-fe"], states: []))
        #expect(!unsampled.isSampled && unsampled.isRandom && unsampled.header.hasSuffix("-02"))
    }

    @Test func `spans beyond the queue are counted, and none are torn apart`() {
        let queue = SpanQueue(capacity: 5, batch: 4) { _ in }
        let context = TraceContext(traceID: TraceID(high: 1, low: 2), spanID: 3, isSampled: true)
        let span = Span(context: context, name: "s", kind: .server, began: 1, ended: 2)
        queue.submit([span, span])
        queue.submit([span, span])
        queue.submit([span, span])
        #expect(queue.stats.queued == 4 && queue.stats.dropped == [.full: 2])
    }
}
