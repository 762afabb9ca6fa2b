import CanonicalModel
import PluginABI
import Upstream

extension UpstreamHead {
    /// Fails if a successful answer is compressed: no request asks for that, and nothing here undoes it.
    func requireUncompressed() throws(ExchangeError) {
        guard status < 400, let coding = first("content-encoding"), !coding.isEmpty, coding.lowercased() != "identity"
        else { return }
        throw ExchangeError(
            KIMI_CAT_PROTOCOL,
            "the upstream compressed its answer (content-encoding: \(LogText.oneLine(coding))), which was not asked for"
        )
    }
}
