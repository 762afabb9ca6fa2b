/// A command of this very program that is run to see whether plugins let it come to its end.
package enum TrialRun {
    /// How it was ended; nil: it came to its end, whatever it had to say there.
    ///
    /// - Parameter isEnd: is this line of its output one that only its end prints?
    package static func death(_ arguments: [String], seconds: Int, isEnd: (Substring) -> Bool) -> String? {
        let ending = ChildProcess(arguments: arguments, seconds: seconds).run { _ in }
        let lines = ending.output.split(whereSeparator: \.isNewline)
        if case .notStarted = ending.how { return nil }
        if case .exited = ending.how, lines.contains(where: isEnd) { return nil }
        let sentence = CheckRun.sentence(ending, nil, false, seconds) ?? "it ended"
        let told = lines.first { $0.contains(" crashed in ") }.map { ": " + $0.prefix(300) } ?? ""
        return sentence + told
    }
}
