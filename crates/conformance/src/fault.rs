//! Why a run is no success.

use martlet_client::ConnectFault;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run is no success.
#[derive(Debug)]
pub enum Fault {
    /// No test has such a name or id.
    NoTest,
    /// There is no stream to the broker.
    Stream(martlet_net::Fault),
    /// In no version a client is let in.
    Connect(ConnectFault),
    /// It speaks neither 3.1.1 nor 5.0.
    NoVersion,
    /// The JUnit report cannot be written.
    JUnit(PathBuf, io::Error),
    /// Standard output takes nothing.
    Print(io::Error),
    /// It was ended early.
    Interrupted {
        /// Tests that had ended by then.
        ended: usize,
        /// Tests that were to run.
        all: usize,
    },
    /// Tests failed.
    Failed {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
        /// Why there is no broker any more, if so.
        gone: Option<String>,
    },
}

impl Fault {
    pub(crate) fn junit(file: &Path, error: io::Error) -> Self {
        Self::JUnit(file.to_owned(), error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTest => {
                f.write_str("--only: no test has a name or an id with this in it; --list shows them")
            }
            Self::Stream(fault) => fault.fmt(f),
            Self::Connect(fault) => fault.fmt(f),
            Self::NoVersion => f.write_str("the broker refuses MQTT 3.1.1 and 5.0"),
            Self::JUnit(file, error) => write!(f, "--junit: cannot write {}: {error}", file.display()),
            Self::Print(error) => write!(f, "cannot write to stdout: {error}"),
            Self::Interrupted { ended, all } => write!(f, "interrupted: {ended} of {all} tests have ended"),
            Self::Failed { failed, all, gone } => {
                write!(f, "{failed} of {all} failed")?;
                gone.iter().try_for_each(|gone| write!(f, "; the broker is gone: {gone}"))
            }
        }
    }
}

impl std::error::Error for Fault {}
