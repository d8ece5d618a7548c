//! What must stand in no file of any kind: a path that exists on one machine alone.

use super::Findings;
use super::tree::Tree;

/// Directories that hold one person's or one machine's files.
const ROOTS: [&str; 4] = ["home", "root", "work", "Users"];

/// Looks at every file that is text.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for file in &tree.files {
        for (line, number) in file.text.lines().zip(1..) {
            if let Some(root) = ROOTS.iter().find(|root| names(line, root)) {
                let message = format!(
                    "names a path below /{root} (write it relative to the repository, or ask the system)"
                );
                findings.add(&file.path, number, message);
            }
        }
    }
}

/// Whether an absolute path below `root` begins somewhere in `line`.
fn names(line: &str, root: &str) -> bool {
    let marker = format!("/{root}/");
    line.match_indices(&marker).any(|(at, _)| {
        let within_longer_path = |c: char| c.is_alphanumeric() || "_-.+#*/$}".contains(c);
        !line[..at].ends_with(within_longer_path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_found_and_others_are_not() {
        for root in ROOTS {
            for (before, bad) in
                [("", true), ("a \"", true), ("file=", true), ("house", false), ("+", false), ("..", false)]
            {
                let text = format!("\n{before}/{root}/x");
                let mut findings = Findings::default();
                check(&Tree::of([("a.txt", &text)]), &mut findings);
                assert_eq!(findings.lines().len(), usize::from(bad), "{text}");
            }
        }
    }
}
