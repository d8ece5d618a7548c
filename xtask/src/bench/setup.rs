//! Where the figures come from: the machine, the versions, what each broker was told, and the command.

use std::fs;

use super::brokers::Broker;

/// The load averages of the machine; nothing where the system does not tell them.
pub(super) fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

pub(super) fn describe(brokers: &[Broker], command: &str, load_before: Option<&str>) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "?".into());
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text = format!(
        "Repeat it with `{command}`. Linux {}, {cores} cores ({}); load average {} before the first run, {} after the \
         last.\n\n| | version | told |\n|---|---|---|\n",
        kernel.trim(),
        processor.as_deref().unwrap_or("unknown processor"),
        load_before.unwrap_or("?"),
        load().as_deref().unwrap_or("?"),
    );
    for broker in brokers {
        text += &format!("| {} | {} | {} |\n", broker.name, broker.version, broker.configuration());
    }
    text
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
    fn the_processor_has_a_name() {
        let text = "processor\t: 0\nmodel name\t: A b c\nprocessor\t: 1\nmodel name\t: D\n";
        assert_eq!(model(text).as_deref(), Some("A b c"));
        assert_eq!(model(""), None);
    }
}
