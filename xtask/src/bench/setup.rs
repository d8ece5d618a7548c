//! Where the figures come from: the machine, the versions, what each broker was told, and the command.

use std::fs;

use super::brokers::Broker;

const BUSY: &str =
    "The machine was busy with other work: rates and latencies below tell more of that than of brokers.\n\n";

/// The load average of the last minute; nothing where the system does not tell them.
pub(super) fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

pub(super) fn describe(brokers: &[Broker], command: &str, load_before: Option<&str>) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "?".into());
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load_after = load();
    let is_busy = load_before.is_some_and(|load| is_above(load, cores));
    let mut text = format!(
        "Repeat it with `{command}`. Linux {}, {cores} cores ({}); load average {} before the first run, {} after the \
         last.\n\n{}| | version | told |\n|---|---|---|\n",
        kernel.trim(),
        processor.as_deref().unwrap_or("unknown processor"),
        load_before.unwrap_or("?"),
        load_after.as_deref().unwrap_or("?"),
        if is_busy { BUSY } else { "" },
    );
    for broker in brokers {
        text += &format!("| {} | {} | {} |\n", broker.name, broker.version, broker.configuration());
    }
    text
}

/// Whether so much else was to be done that brokers had to wait for cores.
fn is_above(load: &str, cores: usize) -> bool {
    load.parse::<f64>().is_ok_and(|load| load > cores as f64 / 2.0)
}

/// Of the first processor.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_one_with_more_to_do_than_half_its_cores() {
        assert!(is_above("1.01", 2) && !is_above("0.99", 2) && !is_above("?", 2));
    }

    #[test]
    fn the_processor_has_a_name() {
        let text = "processor\t: 0\nmodel name\t: A b c\nprocessor\t: 1\nmodel name\t: D\n";
        assert_eq!(model(text).as_deref(), Some("A b c"));
        assert_eq!(model(""), None);
    }
}
