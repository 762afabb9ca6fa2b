import CanonicalModel
import Dialects
import PluginABI
import Testing

/// Whatever a plugin sends, in whatever order: the client gets a legal answer, and nothing of it is lost unsaid.
@Suite struct HostileEventTests {
    @Test(arguments: EncoderCheck.Kind.allCases, 0..<4)
    func `any events at all`(kind: EncoderCheck.Kind, shard: Int) {
        for round in 0..<600 * Rounds.factor {
            var random = Rounds.generator("hostile \(kind)", shard, round)
            var bytes = [UInt8(kind.rawValue)]
            for _ in 0..<Int.random(in: 4...160, using: &random) {
                bytes.append(UInt8.random(in: .min ... .max, using: &random))
            }
            guard let check = bytes.withUnsafeBytes({ EncoderCheck($0) }), let fault = check.fault() else { continue }
            Issue.record("\(Rounds.place(shard, round)): \(fault)\n\(check)")
            return
        }
    }
}
