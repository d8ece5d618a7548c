//! A report as text for people and as JSON for programs.

use martlet_bench::Report;
use std::fmt::Write as _;

pub(super) fn text(report: &Report) -> String {
    let mut text = report.scenario.to_owned();
    for (name, value) in &report.settings {
        // Writing to a string cannot fail, here and below.
        let _ = write!(text, " {name}={value}");
    }
    text.push('\n');
    text += report.table.as_deref().unwrap_or_default();
    for figure in report.figures.iter().filter(|_| report.table.is_none()) {
        let _ = writeln!(text, "{:>14}  {}", number(figure.value), figure.unit);
    }
    for remark in &report.remarks {
        let _ = writeln!(text, "note: {remark}");
    }
    text
}

pub(super) fn json(report: &Report) -> String {
    let mut json = format!("{{\"scenario\":{}", json_string(report.scenario));
    let settings =
        report.settings.iter().map(|(name, value)| format!("{}:{}", json_string(name), json_string(value)));
    let _ = write!(json, ",\"settings\":{{{}}}", settings.collect::<Vec<_>>().join(","));
    let figures =
        report.figures.iter().map(|figure| format!("{}:{}", json_string(figure.name), figure.value));
    let _ = write!(json, ",\"figures\":{{{}}}", figures.collect::<Vec<_>>().join(","));
    for (name, lines) in [("remarks", &report.remarks), ("failures", &report.failures)] {
        let lines = lines.iter().map(|line| json_string(line)).collect::<Vec<_>>().join(",");
        let _ = write!(json, ",\"{name}\":[{lines}]");
    }
    json.push_str("}\n");
    json
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// About four digits, with thousands set apart.
pub(super) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 || value.fract() == 0.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if at > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_four_digits() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(0.045_67, "0.0457");
        check(1.5, "1.500");
        check(123.456, "123.5");
        check(999.0, "999");
        check(1_234_567.8, "1,234,568");
        check(100_000.0, "100,000");
    }
}
