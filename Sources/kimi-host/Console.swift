#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Lines for people. Results go to standard output, everything else to standard error.
enum Console {
    static func print(_ line: String) { write(line + "\n", to: 1) }

    static func error(_ line: String) { write(line + "\n", to: 2) }

    /// Has the process killed after so long, whatever it does then.
    static func endLater(seconds: Int) { _ = alarm(UInt32(clamping: seconds)) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                #if canImport(Darwin)
                let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
                #else
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                #endif
                // A reader that is gone is no reason to fail: there is nobody left to tell.
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
