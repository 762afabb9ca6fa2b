/// How one route ensures tool calls. Shared by its exchanges; any thread.
package struct EnforcementPolicy: Sendable {
    package static let defaultAttempts = 3
    package static let maxAttempts = 5

    /// Also requests without tools.
    package let isForAll: Bool
    /// Attempts of one reply, the first included.
    package let attempts: Int
    /// The upstream's model is one of Kimi's, which may end a task with a summary and a finished list of todos.
    package let isKimi: Bool
    package let answers: FinalAnswers

    /// - Parameters:
    ///   - model: the upstream's name of it.
    ///   - answers: shared by all routes of the process.
    package init(
        model: String, isForAll: Bool = false, attempts: Int = Self.defaultAttempts,
        answers: FinalAnswers = FinalAnswers()
    ) {
        self.isForAll = isForAll
        self.attempts = min(max(attempts, 1), Self.maxAttempts)
        self.isKimi = model.lowercased().contains("kimi")
        self.answers = answers
    }
}
