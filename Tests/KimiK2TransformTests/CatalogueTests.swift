import KimiK2TransformLogic
import Testing

@Suite("Every row of the catalogue comes out right")
struct CatalogueTests {
    @Test("own cases", arguments: Case.own)
    func ownCase(_ example: Case) {
        let output = example.answer()
        #expect(example.fault(output.answer) == nil)
        #expect(output.breaches == [])
    }

    @Test("there are own cases") func ownCasesAreFound() { #expect(Case.own.count > 50) }

    @Test("shared sample vectors", arguments: Case.shared)
    func sharedVector(_ example: Case) {
        let output = example.answer(cut: example.pieces)
        #expect(example.fault(output.answer) == nil)
        #expect(output.breaches == [])
    }
}
