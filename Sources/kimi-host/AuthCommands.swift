import ArgumentParser
import KimiHostCore

/// Keys for clients.
struct Auth: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make keys for clients, and their hashes for the configuration.",
        subcommands: [New.self, Hash.self])

    /// A key that nobody guesses, with what to write into the configuration.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key: the first line is for the client, the second for auth.keys.")

        /// 260 bits.
        private static let letters = 52

        func run() {
            let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
            var generator = SystemRandomNumberGenerator()
            let key =
                "kh-" + String((0..<Self.letters).map { _ in alphabet[Int.random(in: 0..<32, using: &generator)] })
            Console.print("key: \(key)")
            Console.print("hash: \(KeyDigest(of: key.utf8).text)")
        }
    }

    /// The hash of a key that exists.
    struct Hash: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the hash of the key on standard input, for auth.keys.")

        func run() throws {
            let key = readLine()?.filter { !$0.isWhitespace } ?? ""
            guard !key.isEmpty else {
                Console.error("error: no key: write it to standard input, on one line")
                throw ExitCode.failure
            }
            if let weakness = KeyDigest.weakness(of: key) { Console.error("warning: \(weakness)") }
            Console.print(KeyDigest(of: key.utf8).text)
        }
    }
}
