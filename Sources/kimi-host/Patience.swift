#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// For processes that a host starts: they must not outlive its interest in them.
enum Patience {
    /// The kernel ends the process after so many seconds, whatever it does.
    static func endProcess(after seconds: Int) { _ = alarm(UInt32(clamping: max(1, seconds))) }
}
