#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system says a child process is doing. nil where it does not say (no /proc).
struct ProcessState {
    /// `R` runs or waits for a processor, `D` waits for a disk, `S` sleeps.
    let letter: Character
    let processorSeconds: Double

    init?(of child: pid_t) {
        guard let file = fopen("/proc/\(child)/stat", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        // The program's name comes before, in parentheses, and may hold anything.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let words = text[end...].dropFirst().split(separator: " ")
        guard words.count > 12, let letter = words[0].first, let user = Double(words[11]),
            let system = Double(words[12])
        else { return nil }
        self.letter = letter
        processorSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Silent for so many times five seconds: does it want to run, and has had little chance to?
    func isStarved(_ silences: Int) -> Bool {
        let waited = Double(silences) * Double(ProbeProcess.patienceMs) / 1_000
        return letter == "D" || (letter == "R" && processorSeconds < waited / 2)
    }
}
