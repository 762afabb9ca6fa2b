import CanonicalModel

/// One exchange that waits for a token. Event loop only; let go of with `cancel` or by its end.
package final class TokenWait {
    private var finished: ((Result<ServedToken, ExchangeError>) -> Void)?
    private var place: (id: Int, key: String, source: TokenSource)?

    /// `finished` is called once at most.
    init(finished: @escaping (Result<ServedToken, ExchangeError>) -> Void) {
        self.finished = finished
    }

    func began(id: Int, key: String, source: TokenSource) { place = (id, key, source) }

    func ended(_ result: Result<ServedToken, ExchangeError>) {
        place = nil
        let finished = finished
        self.finished = nil
        finished?(result)
    }

    func cancel() {
        finished = nil
        if let place { place.source.cancel(id: place.id, key: place.key) }
        place = nil
    }
}
