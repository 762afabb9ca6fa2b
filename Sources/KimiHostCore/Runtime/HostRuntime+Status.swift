package import CanonicalModel
import NIOCore
import PluginABI
package import WireJSON

/// Which routes and keys an operator means; what is nil means all.
package struct RouteSelection: Sendable {
    package var model: String?
    package var profile: String?
    package var provider: String?
    package var upstreamModel: String?
    /// The entry's place in the file, such as `models[2]`.
    package var path: String?
    /// From 1; nil: the route and all its keys.
    package var key: Int?

    package init() {}

    /// An empty body means everything. Throws what the client must hear.
    package init(json: UnsafeRawBufferPointer) throws(ExchangeError) {
        guard json.contains(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) else { return }
        do {
            for member in try JSONSpans.members(of: json) { try take(member, json) }
        } catch let error as JSONError {
            throw .badRequest("the body must be a JSON object: \(error.message)", code: "invalid_json")
        } catch let error as ExchangeError {
            throw error
        } catch {
            throw .badRequest("the body cannot be read", code: "invalid_json")
        }
    }

    private mutating func take(_ member: JSONMember, _ json: UnsafeRawBufferPointer) throws {
        let text = UnsafeRawBufferPointer(rebasing: json[member.valueRange])
        switch member.key {
        case "model": model = try Self.string(member, text)
        case "profile": profile = try Self.string(member, text)
        case "provider": provider = try Self.string(member, text)
        case "upstream_model": upstreamModel = try Self.string(member, text)
        case "route": path = try Self.string(member, text)
        case "key":
            guard let number = Int(String(decoding: text, as: UTF8.self)), number > 0 else {
                throw ExchangeError.badRequest("'key' must be a number from 1 on", param: "key")
            }
            key = number
        default:
            throw ExchangeError.badRequest(
                "'\(LogText.oneLine(member.key))' is not known here: model, profile, provider, upstream_model, route "
                    + "and key say what is meant", param: LogText.oneLine(member.key))
        }
    }

    private static func string(_ member: JSONMember, _ text: UnsafeRawBufferPointer) throws -> String {
        let parser = JSONParser(maxBytes: text.count)  // Values live as long as it does.
        guard member.kind == .string, let value = try withExtendedLifetime(parser, { try parser.parse(text).string })
        else {
            throw ExchangeError.badRequest("'\(member.key)' must be a string", param: member.key)
        }
        return value
    }

    func fits(_ config: RouteConfig) -> Bool {
        model.map { $0 == config.modelName } ?? true && profile.map { $0 == config.profile ?? "" } ?? true
            && provider.map { $0 == config.provider } ?? true && path.map { $0 == config.path } ?? true
            && upstreamModel.map { $0 == config.upstreamModel } ?? true
    }
}

/// What operators may see and change of the routes.
extension HostRuntime {
    private static var now: Int64 { Exchange.milliseconds(.now()) }

    /// Forgets failures and cooldowns. Returns of how many routes and keys there were any; throws when the selection
    /// means nothing that is there.
    package func clearCooldowns(of selection: RouteSelection) throws(ExchangeError) -> Int {
        var (cleared, isFound) = (0, false)
        for (config, route) in zip(routeConfigs, routes) where selection.fits(config) {
            if let key = selection.key {
                guard route.keys.indices.contains(key - 1) else { continue }
                isFound = true
                if route.keys[key - 1].health.clear() { cleared += 1 }
                continue
            }
            isFound = true
            for health in [route.health] + route.keys.map(\.health) where health.clear() { cleared += 1 }
        }
        guard isFound else {
            throw ExchangeError(KIMI_CAT_NOT_FOUND, "no route is meant by that: GET /admin/routes lists what there is")
        }
        return cleared
    }

    /// `{"routes":[...]}`, in the order of the file.
    package func routesJSON() -> ByteWriter {
        let out = ByteWriter(capacity: 1024)
        let now = Self.now
        out.append(#"{"queued":"#)
        out.append(int: Int64(routing.queued))
        out.append(#","routes":["#)
        for (index, (config, route)) in zip(routeConfigs, routes).enumerated() {
            if index > 0 { out.append(",") }
            Self.write(config, route, now, to: out)
        }
        out.append("]}")
        return out
    }

    private static func write(_ config: RouteConfig, _ route: Route, _ now: Int64, to out: ByteWriter) {
        out.append(#"{"route":"#)
        out.appendJSONString(config.path)
        for (name, value) in [
            ("model", config.modelName), ("profile", config.profile ?? ""), ("provider", config.provider),
            ("upstream_model", config.upstreamModel),
        ] {
            out.append(",")
            out.appendJSONString(name)
            out.append(":")
            out.appendJSONString(value)
        }
        out.append(#","weight":"#)
        out.append(double: config.weight)
        write(route.health, now, to: out)
        out.append(#","in_flight":"#)
        out.append(int: Int64(route.slots.active))
        out.append(#","max_concurrent":"#)
        if let limit = route.slots.limit { out.append(int: Int64(limit)) } else { out.append("null") }
        out.append(#","latency_ms":{"first_token":"#)
        out.append(double: route.latency.mean(streamed: true) ?? .nan)
        out.append(#","whole":"#)
        out.append(double: route.latency.mean(streamed: false) ?? .nan)
        out.append(#"},"keys":["#)
        for (index, key) in route.keys.enumerated() {
            out.append(index > 0 ? #",{"key":"# : #"{"key":"#)
            out.append(int: Int64(index + 1))
            write(key.health, now, to: out)
            out.append("}")
        }
        out.append("]}")
    }

    private static func write(_ health: Health, _ now: Int64, to out: ByteWriter) {
        let cooldown = health.cooldown
        out.append(#","state":"#)
        out.appendJSONString(cooldown.word)
        out.append(#","cooldown_ms":"#)
        out.append(int: max(0, cooldown.openFrom - now))
        out.append(#","failures":"#)
        out.append(int: Int64(cooldown.failures))
        out.append(#","reason":"#)
        out.appendJSONString(health.reason)
    }
}
