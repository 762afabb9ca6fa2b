import RequestLog

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// Measures the request log alone, through its real writer and reader:
//   LogBench fill DB COUNT      made-up exchanges over the last 20 days, and their index
//   LogBench read DB            lists, pages, filters and searches; ends with 1 if one is too slow
//   LogBench keep DB COUNT      what taking the log down to COUNT exchanges costs those who write and read meanwhile
//   LogBench rate DB RATE SECONDS   so many exchanges a second of 4 kB; ends with 1 if one is dropped

let words = Array(CommandLine.arguments.dropFirst())
let numbers = words.dropFirst(2).compactMap { Int($0) }
do {
    switch (words.first, words.count, numbers.count) {
    case ("fill", 3, 1): try await Fill.run(words[1], count: numbers[0])
    case ("read", 2, 0): exit(try Reads.run(words[1]) ? 0 : 1)
    case ("keep", 3, 1): exit(try await Keep.run(words[1], count: numbers[0]) ? 0 : 1)
    case ("rate", 4, 2): exit(try await Rate.run(words[1], rate: numbers[0], seconds: numbers[1]) ? 0 : 1)
    default:
        print("usage: LogBench fill DB COUNT | read DB | keep DB COUNT | rate DB RATE SECONDS")
        exit(2)
    }
} catch {
    print("error: \(error)")
    exit(1)
}
