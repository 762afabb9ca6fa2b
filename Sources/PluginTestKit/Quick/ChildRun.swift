/// Runs a task in a child process and passes on what it says.
package struct ChildRun {
    /// What a child says.
    package enum Message: Sendable {
        case note(String)
        case failure(String, cure: String?)
    }

    let request: CheckRequest
    let seconds: Int

    package init(_ request: CheckRequest, seconds: Int) {
        (self.request, self.seconds) = (request, seconds)
    }

    /// True if the child came to its end and reported no failure.
    package func run(_ task: String, _ show: (Message) -> Void) -> Bool {
        var isDone = false
        var hasFailed = false
        var crash: String?
        let ending = ChildProcess(arguments: request.arguments(task: task), seconds: seconds).run { text in
            guard let line = ChildReport.parse(text) else { return }
            switch line.kind {
            case "done": isDone = true
            case "crash": crash = crash ?? ChildReport.crashSentence(line.node)
            case "fail":
                hasFailed = true
                show(.failure(line.message, cure: line.cure))
            default: show(.note(line.message))
            }
        }
        if let sentence = CheckRun.sentence(ending, crash, isDone, seconds) {
            hasFailed = true
            show(.failure(sentence, cure: nil))
        }
        return !hasFailed
    }
}
