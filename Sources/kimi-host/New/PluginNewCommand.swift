import ArgumentParser

/// `kimi-host plugin new`: a folder that `make` builds.
struct PluginNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a new plugin's folder: source, Makefile, test.",
        discussion: "The folder NAME is made in the working directory. docs/plugins/new.md goes on from there.")

    enum Language: String, CaseIterable, ExpressibleByArgument { case c, cpp, rust, swift, go, zig, python }
    enum Kind: String, CaseIterable, ExpressibleByArgument { case provider, transform }

    @Option(help: "c, cpp, rust, swift, go, zig or python.")
    var lang: Language

    @Option(help: "provider (knows an upstream) or transform (changes requests and replies).")
    var kind: Kind

    @Argument(help: "Lower-case letters, digits, hyphens: the folder, libNAME.so or NAME.py, the configuration's word.")
    var name: String

    static let maxNameBytes = 40

    func validate() throws {
        let isFine =
            name.utf8.count <= Self.maxNameBytes && name.first.map { ("a"..."z").contains($0) } == true
            && name.last != "-" && name.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
        guard isFine else {
            throw ValidationError(
                "NAME '\(name)': up to \(Self.maxNameBytes) of a-z, 0-9 and '-', a letter first and no '-' last")
        }
    }

    func run() throws {
        do {
            let paths = try TemplateFolder(language: lang.rawValue, kind: kind.rawValue, name: name).write()
            for path in paths { Console.print("wrote " + path) }
        } catch {
            Console.error("error: " + error.message)
            throw ExitCode.failure
        }
        Console.print("next: cd \(name) && make && make test KIMI_HOST=\(TemplateFolder.program)")
    }
}
