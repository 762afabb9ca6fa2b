package import Logging

/// Writes plugins' lines, with the plugin named and its secrets masked by value.
package struct PluginLogger: Sendable {
    private let logger: Logger
    private let secrets: [String]

    /// `secrets` are the values of the instance's `x-secret` properties.
    package init(logger: Logger, plugin: String, secrets: [String]) {
        var logger = logger
        logger[metadataKey: "plugin"] = "\(plugin)"
        self.logger = logger
        // Masking a very short value would mask half of every line.
        self.secrets = secrets.filter { $0.utf8.count >= 6 }
    }

    func isLogged(_ level: UInt32) -> Bool { Self.level(level) >= logger.logLevel }

    func log(_ level: UInt32, _ text: UnsafeRawBufferPointer) {
        let level = Self.level(level)
        guard level >= logger.logLevel else { return }
        var line = String(decoding: text.prefix(PluginLimits.maxMessageBytes), as: UTF8.self)
        for secret in secrets { line = line.replacing(secret, with: "***") }
        logger.log(level: level, "\(line)")
    }

    private static func level(_ level: UInt32) -> Logger.Level {
        switch level {
        case 0: .trace
        case 1: .debug
        case 2: .info
        case 3: .warning
        default: .error
        }
    }
}

extension String {
    /// Every occurrence of `target` replaced; without Foundation.
    fileprivate func replacing(_ target: String, with replacement: String) -> String {
        let text = Array(utf8)
        let pattern = Array(target.utf8)
        guard !pattern.isEmpty, text.count >= pattern.count else { return self }
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index...].starts(with: pattern) {
                result.append(contentsOf: replacement.utf8)
                index += pattern.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
