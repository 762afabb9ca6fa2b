package import KimiHostCore
import NIOSSL

/// A certificate or key that cannot be used.
package struct TLSMistake: Error, CustomStringConvertible {
    /// For example `server.tls.key`.
    let path: String
    let message: String

    package var description: String { "error: \(path): \(message)" }
}

/// The certificate and key of `server.tls`.
package enum TLSFiles {
    /// What is wrong with the files that a configuration names, or nil.
    package static func mistake(_ config: HostConfig) -> TLSMistake? {
        guard let tls = config.server.tls else { return nil }
        do throws(TLSMistake) {
            _ = try context(tls)
            return nil
        } catch {
            return error
        }
    }

    static func context(_ files: HostConfig.TLS) throws(TLSMistake) -> NIOSSLContext {
        let chain = try read(
            "server.tls.certificate", files.certificate,
            "a PEM file with the certificate, then those that lead to its authority"
        ) { try NIOSSLCertificate.fromPEMFile(files.certificate) }
        guard !chain.isEmpty else {
            throw TLSMistake(path: "server.tls.certificate", message: "'\(files.certificate)' holds no certificate")
        }
        let key = try read("server.tls.key", files.key, "a PEM file with a private key that has no passphrase") {
            try NIOSSLPrivateKey(file: files.key, format: .pem)
        }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        return try read("server.tls", files.key, "the private key of the certificate") {
            try NIOSSLContext(configuration: tls)
        }
    }

    private static func read<Value>(
        _ path: String, _ file: String, _ wanted: String, _ body: () throws -> Value
    ) throws(TLSMistake) -> Value {
        do {
            return try body()
        } catch {
            throw TLSMistake(path: path, message: "'\(file)' cannot be used (\(error)); it must be \(wanted)")
        }
    }
}
