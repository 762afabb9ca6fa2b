#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How the child of a plugin is started.
struct ChildCommand: Sendable, Equatable {
    /// The file that runs, absolute: the host's copy, or the plugin's own.
    let path: String
    /// The plugin's own file, absolute.
    let origin: String
    /// For a plugin in Python: the interpreter.
    let python: String?
    /// The file that runs, as it was when it was checked.
    let status: FileStatus

    /// May a plugin with this file be run by it? The content is the caller's business.
    func serves(_ origin: String, _ python: String?) -> Bool {
        self.origin == origin && self.python == python && FileStatus.ofPath(path) == status
    }

    /// The command line. Throws if the file is another one by now: what was checked is what runs.
    func arguments() throws(StepFailure) -> [String] {
        guard FileStatus.ofPath(path) == status else {
            throw StepFailure(
                message: "the plugin's file has changed since it was loaded", cure: "reload or restart the host")
        }
        guard let folder = Self.folder else {
            throw StepFailure(message: "the host's own folder cannot be found", cure: "mount /proc")
        }
        let host = FileSystem.join(folder, "kimi-plugin-host")
        guard let python else { return [host, "load", path, "\(getpid())"] }
        return [host, "python", python, try Self.binding(beside: folder), path, origin, "\(getpid())"]
    }

    private static func binding(beside folder: String) throws(StepFailure) -> String {
        let places = [
            FileSystem.join(folder, "kimi_plugin.py"), FileSystem.join(folder, "../share/kimi-host/kimi_plugin.py"),
        ]
        guard let place = places.first(where: { FileStatus.ofPath($0) != nil }) else {
            throw StepFailure(
                message: "the Python binding is not there: \(places.joined(separator: ", "))",
                cure: "install Python/kimi_plugin.py beside kimi-host")
        }
        return place
    }

    /// Where this program lies.
    private static let folder: String? = {
        #if os(Linux)
        guard let program = FileSystem.realPath("/proc/self/exe") else { return nil }
        #else
        guard let program = FileSystem.realPath(CommandLine.arguments.first ?? "") else { return nil }
        #endif
        return FileSystem.split(program).0
    }()
}
