import FoundationEssentials
import KimiK2TransformLogic
import WireJSON

/// An example at the level of HTTP bodies, reduced to what a provider would make of it.
///
/// This is not the provider: it knows just enough of the chat shape to feed the samples.
struct WireCase: CustomStringConvertible, Sendable {
    enum Event: Sendable {
        case text(TextChannel, String)
        case begin(UInt32, id: String, name: String)
        case arguments(UInt32, String)
    }

    var grading: Case
    var events: [Event] = []
    private var openIDs: [String] = []
    private var lastNumber: UInt32 = 0
    private var numbers: UInt32 = 0

    var description: String { grading.name }

    static let shared: [WireCase] = {
        guard let data = try? Data(contentsOf: URL(filePath: "\(Case.sharedVectors)/kimi-wire-vectors.json")) else {
            return []
        }
        return withJSON([UInt8](data)) { root in
            root.elements.filter { ["response", "stream"].contains($0["kind"]?.string ?? "") }.map(WireCase.init)
        } ?? []
    }()

    init(_ json: JSONValue) {
        grading = Case(json)
        if let choice = json["upstream"]?["choices"]?[index: 0] {
            if let message = choice["message"] { read(message) }
            grading.upstreamReason = choice["finish_reason"]?.string ?? ""
        }
        json["upstream_events"]?.forEachElement { event in
            guard let choice = event["choices"]?[index: 0] else { return }
            if let delta = choice["delta"] { read(delta) }
            if let reason = choice["finish_reason"]?.string { grading.upstreamReason = reason }
        }
    }

    private mutating func read(_ delta: JSONValue) {
        let details = delta["reasoning_details"]?.elements.compactMap { $0["text"]?.string }.joined()
        if let thought = delta["reasoning_content"]?.string ?? delta["reasoning"]?.string ?? details {
            events.append(.text(.reasoning, thought))
        }
        for text in delta["content"]?.string.map({ [$0] }) ?? delta["content"]?.elements.compactMap({
            $0["text"]?.string
        }) ?? [] {
            events.append(.text(.content, text))
        }
        delta["tool_calls"]?.forEachElement { readCall($0) }
    }

    private mutating func readCall(_ call: JSONValue) {
        let id = call["id"]?.string ?? ""
        let arguments = call["function"]?["arguments"]?.string ?? ""
        if let name = call["function"]?["name"]?.string, !openIDs.contains(id) {
            openIDs.append(id)
            lastNumber = numbers
            numbers += 1
            events.append(.begin(lastNumber, id: id, name: name))
        }
        events.append(.arguments(lastNumber, arguments))
    }

    func answer(repairs: RepairSet = .all) -> Collector {
        var options = KimiK2Config().options(modelName: "kimi", asksForThought: nil)
        options.repairs = repairs
        var normaliser = Normaliser(options: options, tools: DeclaredTools(grading.tools))
        var output = Collector()
        for event in events {
            switch event {
            case .text(let channel, let text):
                Array(text.utf8).withUnsafeBytes { normaliser.text(channel, $0, to: &output) }
            case .begin(let number, let id, let name):
                Array(id.utf8).withUnsafeBytes { id in
                    Array(name.utf8).withUnsafeBytes {
                        normaliser.structuredBegin(number, id: id, name: $0, to: &output)
                    }
                }
            case .arguments(let number, let text):
                Array(text.utf8).withUnsafeBytes { normaliser.structuredArguments(number, $0, to: &output) }
            }
        }
        normaliser.finish(to: &output)
        return output.finished(normaliser.finishReason(upstream: grading.upstreamReason))
    }
}
