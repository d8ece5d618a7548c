//! Options, parts and figures; nothing is broken here.

use std::time::Duration;

use super::*;

#[test]
fn options() {
    let parsed = Options::parse(&["--shard", "1/4", "--package", "shard"]);
    let part = Some(Part { n: 4, k: 1 });
    assert_eq!(parsed, Ok(Options { target: Some("shard"), part, report: false }));
    assert_eq!(Options::parse(&[]), Ok(Options::default()));
    let report = Options::parse(&["--report", "--package", "codec"]).unwrap();
    assert_eq!(report.targets().map(|target| target.name).collect::<Vec<_>>(), ["codec"]);
    for bad in [
        &["--package"][..],
        &["--package", "net"],
        &["--shard", "4/4"],
        &["--shard", "1"],
        &["--report", "--shard", "0/2"],
        &["codec"],
    ] {
        assert!(Options::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_newest_whole_counts() {
    let found = |parts: &[(u32, u32, u64)]| {
        let at = |(k, n, seconds): &(u32, u32, u64)| {
            (Part { n: *n, k: *k }, SystemTime::UNIX_EPOCH + Duration::from_secs(*seconds))
        };
        whole(&parts.iter().map(at).collect::<Vec<_>>()).map(|parts| parts.len())
    };
    assert_eq!(found(&[]), None);
    assert_eq!(found(&[(0, 2, 1)]), None);
    assert_eq!(found(&[(0, 2, 1), (1, 2, 9)]), Some(2));
    assert_eq!(found(&[(0, 2, 1), (1, 2, 9), (0, 1, 5)]), Some(1));
    assert_eq!(found(&[(0, 2, 6), (1, 2, 9), (0, 1, 5)]), Some(2));
    assert_eq!(found(&[(0, 2, 6), (0, 1, 5)]), Some(1));
}

#[test]
fn the_table_sums() {
    let codec = Figures { caught: 9, missed: 1, timeouts: 0, unviable: 2 };
    let shard = Figures { caught: 7, missed: 2, timeouts: 1, unviable: 0 };
    let text = table(&[("codec", codec), ("shard", shard)]);
    let rows: Vec<_> = text.lines().skip(2).collect();
    assert_eq!(
        rows,
        [
            "| codec | 12 | 10 | 9 | 1 | 0 | 90.0 % |",
            "| shard | 10 | 10 | 7 | 2 | 1 | 70.0 % |",
            "| all | 22 | 20 | 16 | 3 | 1 | 80.0 % |"
        ]
    );
    assert_eq!(table(&[("codec", codec)]).lines().count(), 3);
    assert_eq!(too_few("codec", &codec), None);
    assert_eq!(too_few("shard", &shard), Some("shard: 70.0 % are caught, too few".into()));
}
