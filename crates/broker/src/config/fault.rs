//! What is wrong with a configuration file: where, what, and what would be right.

use martlet_net::Fault;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::str::Utf8Error;

/// One fault in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl ConfigFault {
    pub(super) fn at(file: &str, text: &str, span: Range<usize>, what: String) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        ConfigFault { file: file.to_owned(), line, column, what }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)
    }
}

/// All faults of a file, in its order; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConfig(pub Vec<ConfigFault>);

impl BadConfig {
    pub(super) fn not_utf8(file: &str, bytes: &[u8], bad: Utf8Error) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bad.valid_up_to()]);
        let what = "this byte is no UTF-8: save the file as UTF-8 text".to_owned();
        BadConfig(vec![ConfigFault::at(file, &text, text.len()..text.len(), what)])
    }
}

impl fmt::Display for BadConfig {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BadConfig {}

/// Why there is no configuration.
#[derive(Debug)]
pub enum LoadFault {
    /// The file cannot be read.
    Unreadable(Fault),
    /// The file can be read, and is wrong.
    Bad(BadConfig),
}

impl LoadFault {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable(Fault::io(format!("read the configuration {}", path.display()), source))
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(fault) => fault.fmt(f),
            Self::Bad(bad) => bad.fmt(f),
        }
    }
}

impl std::error::Error for LoadFault {}
