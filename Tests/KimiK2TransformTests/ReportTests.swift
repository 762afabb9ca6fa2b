import FoundationEssentials
import KimiK2TransformLogic
import Testing

@Suite(
    "Reports, printed when KIMI_REPORT is set", .enabled(if: ProcessInfo.processInfo.environment["KIMI_REPORT"] != nil))
struct ReportTests {
    @Test("share of the shared vectors that pass, by model") func passRate() {
        for naming in ["by model name", "all called mock"] {
            let options: (Case) -> NormaliserOptions = {
                naming == "all called mock" ? NormaliserOptions() : $0.options
            }
            for model in Set(Case.shared.map(\.model)).sorted() {
                for debatable in [false, true] {
                    for isStream in [false, true] {
                        let cases = Case.shared.filter {
                            $0.model == model && $0.isDebatable == debatable && $0.isStream == isStream
                        }
                        let faults = cases.compactMap {
                            $0.fault($0.answer(cut: $0.pieces, options: options($0)).answer)
                        }
                        guard !cases.isEmpty else { continue }
                        let kind = "\(debatable ? "debatable" : "plain") \(isStream ? "stream" : "full")"
                        print("\(naming), \(model), \(kind): \(cases.count - faults.count) of \(cases.count)")
                        if model != "k3" { for fault in faults { print("   \(fault)") } }
                    }
                }
            }
        }
        let wire = WireCase.shared.map { ($0.grading.isDebatable, $0.grading.fault($0.answer().answer)) }
        for debatable in [false, true] {
            let some = wire.filter { $0.0 == debatable }
            print("wire, \(debatable ? "debatable" : "plain"): \(some.count { $0.1 == nil }) of \(some.count)")
        }
    }
}
