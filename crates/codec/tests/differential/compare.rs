//! Compares what two codecs made of the same frames, and asks a table about each difference.
use crate::disagreements::Disagreement;
use crate::fields::fields;
use crate::support::decode;
use martlet_codec::{Packet, Version};
use std::collections::BTreeMap;

/// What another codec made of a frame.
pub(crate) enum Verdict {
    /// A packet with these fields.
    Packet(String),
    /// A packet whose fields are not known, because it is written in a way that breaks this rule.
    Unwritable(&'static str),
    /// None, in its words.
    Refused(String),
}

/// Asserts that each difference is in `table`, and that nothing else is. How many frames both read alike.
pub(crate) fn compare(samples: &[(Version, Vec<u8>)], verdicts: &[Verdict], table: &[Disagreement]) -> usize {
    assert_eq!(samples.len(), verdicts.len(), "a verdict for each frame");
    let mut alike = 0;
    let mut differences: BTreeMap<String, String> = BTreeMap::new();
    for ((version, frame), verdict) in samples.iter().zip(verdicts) {
        let (difference, both) = difference(*version, frame, verdict);
        alike += usize::from(both);
        if let Some(difference) = difference {
            differences.entry(difference).or_insert_with(|| format!("{version}: {frame:02x?}"));
        }
    }
    let unexplained: Vec<_> =
        differences.iter().filter(|(seen, _)| !table.iter().any(|(row, ..)| row == seen)).collect();
    assert!(unexplained.is_empty(), "not in the table: {unexplained:#?}");
    let unused: Vec<_> = table.iter().filter(|(row, ..)| !differences.contains_key(*row)).collect();
    assert!(unused.is_empty(), "in the table, and never seen: {unused:#?}");
    assert!(table.iter().all(|(_, _, why)| !why.is_empty()), "each line says why");
    alike
}

/// The difference in the words of the table, if there is one, and whether both read the same packet.
fn difference(version: Version, frame: &[u8], verdict: &Verdict) -> (Option<String>, bool) {
    match (decode(version, frame), verdict) {
        (Err(_), Verdict::Refused(_)) => (None, false),
        (Err(malformed), _) => (Some(format!("accepts {}", malformed.name())), false),
        (Ok(packet), Verdict::Refused(why)) => {
            (Some(format!("refuses {}: {why}", title(&packet, version))), false)
        }
        (Ok(packet), Verdict::Unwritable(rule)) => {
            (Some(format!("writes {}: {rule}", title(&packet, version))), false)
        }
        (Ok(packet), Verdict::Packet(theirs)) => {
            let ours = fields(&packet, version);
            let differing = (ours != *theirs)
                .then(|| format!("reads {}: {}", title(&packet, version), differing_fields(&ours, theirs)));
            (differing, ours == *theirs)
        }
    }
}

fn title(packet: &Packet<'_>, version: Version) -> String {
    let version = if let Packet::Connect(connect) = packet { connect.version } else { version };
    format!("{version} {:?}", packet.kind())
}

/// The names of the fields, or the fields themselves where they have none.
fn differing_fields(ours: &str, theirs: &str) -> String {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.split(' ').collect(), theirs.split(' ').collect());
    if ours.len() != theirs.len() {
        return format!("{ours:?} {theirs:?}");
    }
    let differing = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs);
    let names = differing.map(|(ours, theirs)| {
        ours.split_once('=').map_or_else(|| format!("{ours} {theirs}"), |(name, _)| name.into())
    });
    names.collect::<Vec<String>>().join(", ")
}
