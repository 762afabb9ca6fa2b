package import CanonicalModel
import PluginABI

/// Which pages in a browser may use a host that asks for no keys. Any site can have its visitors' browsers send requests
/// here, and need not read the replies to spend what upstreams are paid for.
package enum PageRules {
    /// Throws what a page of another site must hear. `origin`: as the browser tells it of every POST; programs send none.
    ///
    /// Pages of this machine may, and what is no site of the web: extensions and programs with a browser inside.
    package static func check(origin: String) throws(ExchangeError) {
        let origin = origin.lowercased()
        let scheme = ["http://", "https://"].first { origin.hasPrefix($0) }
        // What a site puts into a sandbox calls itself so.
        guard scheme != nil || origin == "null" else { return }
        if let scheme, LoopbackAddress.isLoopback(AdminRules.name(of: String(origin.dropFirst(scheme.count)))) {
            return
        }
        throw ExchangeError(
            KIMI_CAT_PERMISSION,
            "pages of other sites may not use a host that asks for no keys: set auth.keys, or send the request from a program",
            code: "cross_origin")
    }
}
