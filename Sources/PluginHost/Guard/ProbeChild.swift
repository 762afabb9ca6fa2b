import JSONSchema

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What `kimi-host plugin probe-child FILE…` does: load each library as the host would and say what its manifest is. It
/// talks to its parent through descriptor 3, a line at a time: `begin N`, `dlopen`, `entry`, and
/// `fine MANIFEST` or `refused`.
package enum ProbeChild {
    static let descriptor: Int32 = 3
    /// Seconds after which a child ends whose parent has gone.
    private static let lifetime: UInt32 = 300

    package static func run(_ files: [String], insecurePaths: Bool) -> Never {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        #if canImport(Glibc)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        #else
        setrlimit(RLIMIT_CORE, &none)
        #endif
        alarm(lifetime)
        // The runtime's own handlers would look for a backtrace, which takes longer than a parent waits.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { signal(number, SIG_DFL) }
        for (place, file) in files.enumerated() {
            say("begin \(place)")
            let loader = PluginLoader(
                host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: insecurePaths,
                phase: { say($0) })
            do {
                say("fine " + (try loader.load(file: file)).manifest.node.json)
            } catch {
                say("refused")  // The host finds out why by itself.
            }
        }
        // Not through exit: destructors and atexit handlers have no part in it.
        _exit(0)
    }

    private static func say(_ line: String) {
        var line = line + "\n"
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = write(descriptor, rest.baseAddress, rest.count)
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
