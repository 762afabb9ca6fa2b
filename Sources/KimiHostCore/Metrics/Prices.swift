package import LogModel

extension [Price] {
    /// Fills in what the upstream did not tell; the first entry that fits counts.
    package func price(_ usage: inout ExchangeRecord.Usage, provider: String, model: String) {
        guard !isEmpty, usage.cost == nil, usage.output != nil else { return }
        let price = first { ($0.provider ?? provider) == provider && NamePattern($0.model).matches(model) }
        usage.cost = price?.cost(of: usage)
        usage.isPriced = usage.cost != nil
    }

    func price(_ measure: inout ExchangeMeasure?, provider: String, model: String) {
        guard var usage = measure?.usage else { return }
        price(&usage, provider: provider, model: model)
        measure?.usage = usage
    }
}
