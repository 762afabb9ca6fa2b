import CanonicalModel
import Dialects
import LogModel
package import NIOCore
import PluginHost

extension ByteBuffer: SharedBytes {
    package func reading(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeReadableBytes(body) }
}

extension ExchangeRecord.Plugin {
    init(_ name: String, _ library: PluginLibrary) {
        self.init(name: name, id: library.id, version: library.version, sha256: library.sha256)
    }
}

extension ExchangeRecord.Failure {
    init(_ error: ExchangeError) {
        self.init(category: AttemptFailure.word(error.category), message: error.message, code: error.code)
    }
}

extension ExchangeRecord.Usage {
    init(_ tokens: TokenCounts, _ note: UsageNote) {
        self.init()
        func known(_ count: Int64) -> Int64? { count >= 0 ? count : nil }
        input = known(tokens.input)
        output = known(tokens.output)
        cacheRead = known(tokens.cached)
        cacheWrite = known(note.cacheWrite)
        reasoning = known(note.reasoning)
        cost = tokens.cost.flatMap(Double.init)
    }
}

extension AttemptRecord {
    /// Notes bytes that came together.
    mutating func arrived(_ count: Int, _ milliseconds: Int64, most: Int) {
        if arrivals.count < most {
            arrivals.append(Arrival(milliseconds: milliseconds, count: count))
        } else {
            arrivals[arrivals.count - 1].count += count
        }
    }
}

/// The secrets of an exchange: those of its routes, and the keys that the client showed.
struct ExchangeMask: RecordMask {
    let routes: [Route]
    let client: [String]

    func finds(in bytes: UnsafeRawBufferPointer) -> Bool {
        if routes.contains(where: { $0.findsSecret(in: bytes) }) { return true }
        // Many clients show the key of the upstream.
        let rest = client.filter { key in !routes.contains { $0.keys.contains { $0.provider.hides(key) } } }
        return !rest.isEmpty && SecretMask(rest).finds(in: bytes)
    }

    var longest: Int {
        routes.reduce(client.reduce(0) { max($0, SecretMask.longestForm(of: $1)) }) { max($0, $1.longestSecret) }
    }

    func isSame(as other: any RecordMask) -> Bool {
        guard let other = other as? ExchangeMask else { return false }
        return client == other.client && routes.elementsEqual(other.routes, by: ===)
    }

    func masked(_ bytes: [UInt8]) -> [UInt8] {
        routes.reduce(client.isEmpty ? bytes : SecretMask(client).masked(bytes)) { $1.masked($0) }
    }
}
