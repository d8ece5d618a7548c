//! The statements of both specifications, from the tables of the repository.

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) section: &'static str,
    pub(super) text: String,
}

const V5: &str = include_str!("../../../spec/mqtt5.csv");
const V311: &str = include_str!("../../../spec/mqtt311.csv");

/// The statement of an id as it is cited: `MQTT-3.1.0-2`, or `3.1.1 MQTT-3.1.0-2`.
pub(super) fn find(id: &str) -> Option<Statement> {
    let (table, id) = id.strip_prefix("3.1.1 ").map_or((V5, id), |id| (V311, id));
    table.lines().find_map(|line| {
        let rest = line.strip_prefix(id)?.strip_prefix(',')?;
        let (section, rest) = rest.split_once(',')?;
        let (_binds, text) = rest.split_once(',')?;
        Some(Statement { section, text: text.trim_matches('"').replace("\"\"", "\"") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables() {
        let text = |id: &str| find(id).map(|statement| statement.text);
        assert_eq!(text("MQTT-1.5.4-2").as_deref(), Some("No U+0000 inside a string"));
        assert!(text("3.1.1 MQTT-3.1.2-2").is_some_and(|text| text.contains("0x01")));
        assert!(text("MQTT-3.1.2-1").is_some_and(|text| !text.contains('"')));
        assert_eq!(text("MQTT-0"), None);
    }
}
