import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
import WireJSON

/// What an exchange knows of going on with a reply that broke off.
struct ExchangeResumption {
    /// Between plugins and encoder; nil: the reply cannot be continued.
    var relay: ReplyRelay?
    /// The text that the attempt under way goes on with.
    var prefill: [UInt8]?
    /// Why it broke off the first time.
    var cause: ExchangeError?
    /// Places that would not go on with it.
    var refused: Set<Int> = []
    /// Where it broke off each time, for the log.
    var notes: [String] = []
}

/// Replies that break off after content has reached the client.
extension Exchange {
    /// The encoder's events pass a relay on routes that may be continued.
    func relay(for encoder: any ResponseEncoder) -> any EventReceiver {
        if let relay = resumption.relay { return relay }
        guard route.mayResume, encoder.isStreaming else { return encoder }
        let relay = ReplyRelay(encoder)
        resumption.relay = relay
        return relay
    }

    /// Chooses where the reply goes on and turns there. False: nowhere.
    func resume(after failure: AttemptFailure, _ error: ExchangeError) -> Bool {
        guard let relay = resumption.relay, reply.hasContent else { return false }
        if resumption.cause == nil { resumption.cause = error }
        if let obstacle = relay.obstacle { return decline(obstacle.rawValue) }
        guard relay.resumptions < ResumeLimits.maxResumptions else { return decline("too often") }
        let isContinuing = relay.resumptions > 0
        switch failure.fault {
        case .request, .unserved:
            // Of the reply's first attempt that is final; of another it says that the upstream takes no prefill.
            guard isContinuing else { return decline("the upstream refused the request") }
            resumption.refused.insert(choice.route)
        case .key, .route: break
        }
        let now = NIODeadline.now()
        if let left = clock.remainingMs(now), left <= 0 { return false }
        guard let next = planner.resume(at: places, Self.milliseconds(now)) else { return decline("nobody is left") }
        let isSame = next.route == choice.route
        let chance = planner.order.state.random.unit()
        let pause = isSame ? planner.order.state.policy.pauseMs(before: relay.resumptions, chance: chance) : 0
        resumption.prefill = relay.resume()
        resumed(relay)
        turn(to: next, after: pause)
        return true
    }

    /// Routes that can go on with it: others first, the one that failed last.
    private var places: [Int] {
        let count = planner.order.count
        return (1...count).map { (choice.route + $0) % count }
            .filter { planner.order[$0].mayResume && !resumption.refused.contains($0) }
    }

    private func decline(_ reason: String) -> Bool {
        book.add(kind: "not_resumed", detail: reason)
        return false
    }

    private func resumed(_ relay: ReplyRelay) {
        services.metrics.resumed(model: route.upstreamModel, provider: route.providerName)
        resumption.notes.append("\(route.providerName)/\(route.upstreamModel) after \(relay.text.count) bytes")
    }

    /// The request with the text so far, for the route under way.
    func prefilled(_ json: [UInt8]) throws(ExchangeError) -> [UInt8] {
        guard let text = resumption.prefill, let style = route.resume else { return json }
        do {
            if let prefilled = try Prefill.add(text, style, to: json) { return prefilled }
        } catch {
            throw ExchangeError(KIMI_CAT_INTERNAL, "a reply's beginning could not be told: \(error.message)")
        }
        throw .badRequest("the request ends with a message of the assistant that cannot be gone on with")
    }
}
