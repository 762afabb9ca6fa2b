import KimiHostCore
import Testing

@Suite("Whose turn it is")
struct RotationTests {
    private func turns(_ weights: [Double], _ count: Int) -> [Int] {
        let rotation = Rotation(weights: weights)
        return (0..<count).map { _ in rotation.next() }
    }

    @Test("Equal weights take turns")
    func equal() {
        #expect(turns([1, 1, 1], 7) == [0, 1, 2, 0, 1, 2, 0])
        #expect(turns([5], 3) == [0, 0, 0])
    }

    @Test("A heavier one comes more often, and not in a row where that can be helped")
    func smooth() {
        #expect(turns([3, 1], 4).filter { $0 == 0 }.count == 3)
        #expect(turns([2, 1, 1], 8) == [0, 1, 2, 0, 0, 1, 2, 0])
    }

    @Test(
        "Shares are as configured, whatever the weights' size",
        arguments: [[0.7, 0.3], [1e300, 3e300], [1e-300, 1e-300], [1, 2, 4], [1_000, 1]])
    func shares(weights: [Double]) {
        let heaviest = weights.max() ?? 1
        let sum = weights.reduce(0) { $0 + $1 / heaviest }
        let found = turns(weights, 10_000)
        for (index, weight) in weights.enumerated() {
            let share = Double(found.filter { $0 == index }.count) / 10_000
            #expect(abs(share - weight / heaviest / sum) < 0.002)
        }
    }
}
