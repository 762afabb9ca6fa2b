import NIOCore
import NIOPosix

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Why an address cannot be listened on.
package enum ListenFailure: Sendable {
    case inUse, notPermitted, notLocal, unknownHost

    /// Nil for errors of another kind.
    package init?(_ error: any Error) {
        if error is SocketAddressError {
            self = .unknownHost
            return
        }
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: self = .inUse
        case EACCES, EPERM: self = .notPermitted
        case EADDRNOTAVAIL: self = .notLocal
        default: return nil
        }
    }
}
