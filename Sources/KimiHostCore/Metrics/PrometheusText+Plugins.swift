import PluginHost

/// What calls into plugins cost. Labels are the plugins' ids and the functions of the header: few.
extension PrometheusText {
    mutating func plugins(_ report: PluginCallReport, quarantined: [String]) {
        family("kimi_plugin_calls_total", "counter", "Calls into plugins, by function.")
        for calls in report.calls { sample(labels(calls), calls.count) }
        family(
            "kimi_plugin_call_seconds", "histogram",
            "What calls into plugins took, without what they waited for other plugins and the host.")
        for calls in report.calls { histogram(calls) }
        family("kimi_plugin_slow_calls_total", "counter", "Calls into plugins that took longer than 50 ms.")
        for calls in report.calls { sample(labels(calls), calls.slow) }
        family("kimi_plugin_errors_total", "counter", "Calls into plugins that failed, by category of the error.")
        for errors in report.errors {
            let category = AttemptFailure.word(errors.category)
            sample(
                [("plugin", errors.plugin), ("function", errors.function), ("category", category)], errors.count)
        }
        family("kimi_plugin_stalls_total", "counter", "Calls into plugins that ran for longer than plugins.slow_call.")
        for stalls in report.stalls { sample([("plugin", stalls.plugin)], stalls.count) }
        family("kimi_plugin_quarantined", "gauge", "1 for each plugin that is kept away because it crashed.")
        for plugin in quarantined { sample([("plugin", plugin)], 1) }
    }

    private func labels(_ calls: PluginCallReport.Calls) -> [(String, String)] {
        [("plugin", calls.plugin), ("function", calls.function)]
    }

    private mutating func histogram(_ calls: PluginCallReport.Calls) {
        var sum = 0
        for (bound, count) in zip(PluginCallReport.bounds + ["+Inf"], calls.buckets) {
            sum += count
            sample(labels(calls) + [("le", bound)], sum, suffix: "_bucket")
        }
        sample(labels(calls), "\(calls.seconds)", suffix: "_sum")
        sample(labels(calls), sum, suffix: "_count")
    }
}
