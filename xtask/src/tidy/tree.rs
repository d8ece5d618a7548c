//! The files that tidy reads: all that git tracks or would track, in memory.
//!
//! Rules see only this value, so a test hands them a tree of a few lines. Nothing here judges.

use std::path::Path;
use std::process::Command;

use super::rust::Rust;

/// One file of the repository.
pub(crate) struct File {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    /// Empty if the file is not UTF-8.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    /// The number of the first line that `matches`, or 1.
    pub(crate) fn line_where(&self, matches: impl Fn(&str) -> bool) -> usize {
        self.text.lines().position(matches).map_or(1, |at| at + 1)
    }
}

/// All files, sorted by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// What `git ls-files` names below `root`, untracked but not ignored files included.
    pub(crate) fn load(root: &Path) -> Result<Tree, String> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|fault| {
                format!("cannot run git: {fault} (tidy asks git for the files of the repository)")
            })?;
        if !output.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let names = String::from_utf8_lossy(&output.stdout);
        let mut files = Vec::new();
        for path in names.split_terminator('\0') {
            // A file that is tracked but deleted in the working tree is no longer there to be read.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.push(File { path: path.into(), text: String::from_utf8(bytes).unwrap_or_default() });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree { files })
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// All Rust sources, as tokens.
    pub(crate) fn rust(&self) -> impl Iterator<Item = Rust<'_>> {
        self.files
            .iter()
            .filter(|file| file.has_extension("rs"))
            .map(|file| Rust::new(&file.path, &file.text))
    }

    /// Whether `path` is a file or a directory with files in it.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.files.iter().any(|file| {
                file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Tree {
        let files = files.map(|(path, text)| File { path: path.into(), text: text.into() });
        Tree { files: files.into() }
    }
}
