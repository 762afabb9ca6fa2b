import JSONSchema

/// `kimi-host plugin fuzz`: seeds through child processes until one fails, then makes that one small.
package struct FuzzRun {
    package struct Failure: Sendable {
        package var seed: UInt64
        package var sentence: String
        /// The minimised transcript.
        package var transcript: String
    }

    let request: CheckRequest
    let seconds: Int
    private static let secondsPerChild = 120
    private static let secondsPerAttempt = 10
    /// Children that make one failure small, and the seconds that they take all together.
    private static let maxAttempts = 400
    private static let maxShrinkSeconds: UInt64 = 120

    package init(_ request: CheckRequest, seconds: Int) {
        (self.request, self.seconds) = (request, seconds)
    }

    /// Nil after `seconds` without failure. `progress` gets the number of cases so far.
    package func run(_ progress: (Int) -> Void) -> Failure? {
        let deadline = Measure.wall() + UInt64(seconds) * 1_000_000_000
        var request = request
        var cases = 0
        while Measure.wall() < deadline {
            let left = Int((deadline - Measure.wall()) / 1_000_000_000) + 1
            let found = child("fuzz", request, seconds: min(left, Self.secondsPerChild))
            cases += found.count
            progress(cases)
            if let sentence = found.sentence, let seed = found.seed, !(found.isTimeUp && Measure.wall() >= deadline) {
                return minimise(seed, sentence)
            }
            if found.seed == nil, let sentence = found.sentence {
                return Failure(seed: request.seed, sentence: sentence, transcript: "")
            }
            request.seed += UInt64(FuzzChild.casesPerChild)
        }
        return nil
    }

    private struct Found {
        var seed: UInt64?
        var count = 0
        var sentence: String?
        var isTimeUp = false
        var transcript: String?
    }

    private func child(_ task: String, _ request: CheckRequest, seconds: Int) -> Found {
        var found = Found()
        var isDone = false
        var crash: String?
        let process = ChildProcess(arguments: request.arguments(task: task), seconds: seconds)
        let ending = process.run { text in
            guard let line = ChildReport.parse(text) else { return }
            switch line.kind {
            case "at":
                found.seed = UInt64(line.message)
                found.count += 1
            case "found", "fail": found.sentence = line.message
            case "crash": crash = ChildReport.crashSentence(line.node)
            case "transcript": found.transcript = line.message
            case "done": isDone = true
            default: break
            }
        }
        found.isTimeUp = ending.how == .tooLong
        found.sentence = CheckRun.sentence(ending, crash, isDone, seconds) ?? found.sentence
        return found
    }

    // MARK: making it small

    private func minimise(_ seed: UInt64, _ sentence: String) -> Failure {
        var request = request
        request.seed = seed
        var failure = Failure(seed: seed, sentence: sentence, transcript: "")
        guard let text = child("export", request, seconds: Self.secondsPerAttempt).transcript else { return failure }
        failure.transcript = text
        guard let best = shrink(text, seed) else { return failure }
        failure.transcript = best
        return failure
    }

    /// Removes items of the stream as long as it goes on failing. Nil if the transcript alone does not fail.
    private func shrink(_ text: String, _ seed: UInt64) -> String? {
        guard var node = Self.parse(text), fails(node, seed) else { return nil }
        var attempts = 0
        let deadline = Measure.wall() + Self.maxShrinkSeconds * 1_000_000_000
        var size = max(1, Self.items(node).count / 2)
        while size >= 1 {
            var start = 0
            while start < Self.items(node).count, attempts < Self.maxAttempts, Measure.wall() < deadline {
                var items = Self.items(node)
                items.removeSubrange(start..<min(start + size, items.count))
                let smaller = Self.with(items, node)
                attempts += 1
                if fails(smaller, seed) { node = smaller } else { start += size }
            }
            if size == 1 { break }
            size /= 2
        }
        return node.json + "\n"
    }

    private func fails(_ node: ConfigNode, _ seed: UInt64) -> Bool {
        let file = "/tmp/kimi-host-fuzz-\(Measure.processID)-\(seed).json"
        guard Files.write(file, node.json) else { return false }
        defer { Files.remove(file) }
        var request = request
        request.seed = seed
        request.transcripts = [file]
        return child("try", request, seconds: Self.secondsPerAttempt).sentence != nil
    }

    private static func parse(_ text: String) -> ConfigNode? {
        do { return try ConfigNode(parsingJSON: Array(text.utf8)) } catch { return nil }
    }

    /// The stream's items: events, or server-sent events of the last step.
    private static func items(_ node: ConfigNode) -> [ConfigNode] {
        node["events-in"]?.array ?? node["steps"]?.array?.last?["answer"]?["sse"]?.array ?? []
    }

    private static func with(_ items: [ConfigNode], _ node: ConfigNode) -> ConfigNode {
        var object = node.object ?? ConfigObject()
        if object["events-in"] != nil {
            object["events-in"] = ConfigNode(.array(items))
        } else if var steps = object["steps"]?.array, var step = steps.last?.object, var answer = step["answer"]?.object
        {
            answer["sse"] = ConfigNode(.array(items))
            step["answer"] = ConfigNode(.object(answer))
            steps[steps.count - 1] = ConfigNode(.object(step))
            object["steps"] = ConfigNode(.array(steps))
        }
        return ConfigNode(.object(object))
    }
}
