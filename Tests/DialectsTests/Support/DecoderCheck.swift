import CanonicalModel
import Dialects
import WireJSON

/// Gives a decoder any bytes as a request, and checks what must hold of every answer.
enum DecoderCheck {
    enum Kind: CaseIterable, Sendable { case chat, messages, responses }

    /// What is wrong, or nil.
    static func fault(_ kind: Kind, _ body: UnsafeRawBufferPointer) -> String? {
        let parser = JSONParser()
        return withExtendedLifetime(parser) {
            do throws(ExchangeError) {
                switch kind {
                case .chat: return try chat(body, parser)
                case .messages: return try messages(body, parser)
                case .responses: return try responses(body, parser)
                }
            } catch {
                return refusal(error)
            }
        }
    }

    /// Refused is refused in words, as the client's mistake.
    private static func refusal(_ error: ExchangeError) -> String? {
        guard (400..<500).contains(error.httpStatus), !error.message.isEmpty else {
            return "refused with \(error.httpStatus) '\(error.message)'"
        }
        return nil
    }

    private static func chat(_ body: UnsafeRawBufferPointer, _ parser: JSONParser) throws(ExchangeError) -> String? {
        let request = try ChatRequest(body, parser: parser)
        return request.model.isEmpty || request.choices < 1 ? "model or choices" : nil
    }

    private static func messages(
        _ body: UnsafeRawBufferPointer, _ parser: JSONParser
    ) throws(ExchangeError) -> String? {
        _ = try? TokenEstimate.decode(body, parser: parser)
        let hosted: [MessagesDecoder.HostedTools] = [.strip, .refuse]
        let scratch = ByteWriter()
        for hosted in hosted {
            let options = MessagesDecoder.Options(hostedTools: hosted, betas: [])
            _ = try? MessagesDecoder.decode(body, parser: parser, options: options, scratch: scratch)
        }
        let decoded = try MessagesDecoder.decode(body, parser: parser, scratch: scratch)
        if try MessagesDecoder.decode(body, parser: parser, scratch: scratch).json != decoded.json {
            return "the second time it becomes something else"
        }
        return canonical(decoded, body, parser)
    }

    private static func responses(
        _ body: UnsafeRawBufferPointer, _ parser: JSONParser
    ) throws(ExchangeError) -> String? {
        _ = ResponsesLookups(body, parser: parser)
        // Whatever a damaged store holds.
        if let stored = try? StoredResponse(record: Array(body)) {
            _ = stored.item(id: "x")
            let history = ResponsesHistory(items: stored.history, referenced: ["x": stored.response])
            let next = Array(#"{"model":"m","input":[{"type":"item_reference","id":"x"}]}"#.utf8)
            _ = next.withUnsafeBytes { try? ResponsesDecoder().decode($0, parser: parser, history: history) }
        }
        let decoded = try ResponsesDecoder().decode(body, parser: parser)
        if (try? parser.parse(Array("{".utf8) + decoded.context.echo + Array("}".utf8))) == nil { return "echo" }
        if (try? parser.parse(Array("{".utf8) + decoded.context.longEcho + Array("}".utf8))) == nil {
            return "long echo"
        }
        if decoded.store, (try? parser.parse(decoded.items))?.isArray != true { return "items" }
        return canonical(decoded.request, body, parser)
    }

    /// What a decoder makes is a request that a chat client might have sent.
    private static func canonical(
        _ decoded: DecodedRequest, _ body: UnsafeRawBufferPointer, _ parser: JSONParser
    ) -> String? {
        do throws(ExchangeError) {
            let chat = try decoded.json.withBytes { bytes throws(ExchangeError) in
                try ChatRequest(bytes, parser: parser)
            }
            if chat.model != decoded.model || chat.wantsStream != decoded.wantsStream {
                return "model or stream differ"
            }
            let twice = decoded.json.withUnsafeBytes { repeated($0) }
            // What the client said twice, and nobody knows, rides along as it came.
            if let key = twice.subtracting(repeated(body)).first { return "'\(key)' stands twice" }
            return nil
        } catch {
            return
                "the canonical request is refused: \(error.message)\n\(String(decoding: decoded.json, as: UTF8.self))"
        }
    }

    /// Top-level members that are there twice.
    private static func repeated(_ json: UnsafeRawBufferPointer) -> Set<String> {
        var seen: Set<String> = []
        return Set(((try? JSONSpans.members(of: json)) ?? []).filter { !seen.insert($0.key).inserted }.map(\.key))
    }
}
