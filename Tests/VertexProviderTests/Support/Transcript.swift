import Foundation
import Testing

/// A recorded-like answer: `NAME.sse` (a stream) or `NAME.json` (a body), and `NAME.events`, what becomes of it.
struct Transcript: CustomTestStringConvertible, Sendable {
    let name: String
    let isStream: Bool
    /// The events' data, or the one body.
    let frames: [String]
    let expected: [String]

    var testDescription: String { name }

    static let all: [Transcript] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Cases")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.sorted().compactMap { file in
            guard file.hasSuffix(".sse") || file.hasSuffix(".json") else { return nil }
            let name = String(file.prefix { $0 != "." })
            func read(_ file: String) -> String {
                (try? String(contentsOf: folder.appending(path: file), encoding: .utf8)) ?? ""
            }
            let isStream = file.hasSuffix(".sse")
            let text = read(file)
            let frames =
                isStream
                ? text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) } : [text]
            let lines = read(name + ".events").split(separator: "\n").map(String.init)
            return Transcript(name: name, isStream: isStream, frames: frames, expected: lines)
        }
    }()
}
