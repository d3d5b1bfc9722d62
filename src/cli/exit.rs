//! Exit codes by kind, as in `sysexits.h`, so that scripts and systemd can tell what to do next
//! (docs/exit-codes.md).

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::cloud::CallError;
use crate::config::Faults;
use crate::daemon::{CannotListen, StoreFailed};
use crate::journal::StoreError;
use crate::model::Refusal;

/// What kind of end it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what it means")]
pub enum Exit {
    NotDone,
    Usage,
    NotThere,
    Unavailable,
    Software,
    CannotCreate,
    Storage,
    TryAgain,
    NotAllowed,
    Config,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 10] = [
        Self::NotDone,
        Self::Usage,
        Self::NotThere,
        Self::Unavailable,
        Self::Software,
        Self::CannotCreate,
        Self::Storage,
        Self::TryAgain,
        Self::NotAllowed,
        Self::Config,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::NotDone => 1,
            Self::Usage => 64,
            Self::NotThere => 66,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::CannotCreate => 73,
            Self::Storage => 74,
            Self::TryAgain => 75,
            Self::NotAllowed => 77,
            Self::Config => 78,
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NotDone => "not done: answered with no, or what was asked for did not come true",
            Self::Usage => "the command line is wrong",
            Self::NotThere => "what was named is not there: a file, a pool, a machine, a zone",
            Self::Unavailable => "no daemon answers, or the cloud does not sell it",
            Self::Software => "a fault in farmscale: please report it",
            Self::CannotCreate => "a file or an address cannot be had: it exists, or is in use",
            Self::Storage => "the disk under the store does not obey",
            Self::TryAgain => "it may work later: the network, the store in use, a time limit",
            Self::NotAllowed => "the key, the token or the system's permissions do not allow it",
            Self::Config => "the config is wrong: every fault is named with its line",
        }
    }

    /// An error of this kind.
    pub fn because(self, text: impl Into<String>) -> anyhow::Error {
        self.mark(anyhow::Error::msg(text.into()))
    }

    fn mark(self, error: anyhow::Error) -> anyhow::Error {
        Marked { exit: self, error }.into()
    }
}

/// Says of which kind an error is.
pub trait Marks<T> {
    /// Marks it.
    fn exit(self, exit: Exit) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Marks<T> for Result<T, E> {
    fn exit(self, exit: Exit) -> anyhow::Result<T> {
        self.map_err(|error| exit.mark(error.into()))
    }
}

/// An error whose kind is known where it is made; it reads like the error itself.
#[derive(Debug)]
struct Marked {
    exit: Exit,
    error: anyhow::Error,
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl std::error::Error for Marked {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// The code a command ends with.
pub fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(kind(error).code())
}

fn kind(error: &anyhow::Error) -> Exit {
    error.chain().find_map(known).unwrap_or(Exit::NotDone)
}

fn known(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(marked) = error.downcast_ref::<Marked>() {
        return Some(marked.exit);
    }
    if error.is::<Faults>() {
        return Some(Exit::Config);
    }
    if error.is::<CannotListen>() {
        return Some(Exit::CannotCreate);
    }
    if error.is::<StoreFailed>() {
        return Some(Exit::Storage);
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return Some(match error {
            StoreError::InUse { .. } => Exit::TryAgain,
            StoreError::Newer { .. } | StoreError::OtherFarm { .. } => Exit::Config,
            StoreError::Unsafe { .. } => Exit::NotAllowed,
            StoreError::Disk { .. } => Exit::Storage,
        });
    }
    if let Some(error) = error.downcast_ref::<CallError>() {
        return Some(of_refusal(error.class()));
    }
    error.downcast_ref::<io::Error>().and_then(of_io)
}

/// The code that a refusal of the cloud ends with.
pub fn of_refusal(class: Refusal) -> Exit {
    match class {
        Refusal::Auth | Refusal::Clock => Exit::NotAllowed,
        Refusal::Config | Refusal::Image | Refusal::Subnet => Exit::Config,
        Refusal::NotFound => Exit::NotThere,
        Refusal::SoldOut | Refusal::Quota | Refusal::Money => Exit::Unavailable,
        Refusal::Throttled | Refusal::Conflict | Refusal::NotSent | Refusal::Other => {
            Exit::TryAgain
        }
    }
}

fn of_io(error: &io::Error) -> Option<Exit> {
    let known = [
        (io::ErrorKind::PermissionDenied, Exit::NotAllowed),
        (io::ErrorKind::NotFound, Exit::NotThere),
        (io::ErrorKind::AlreadyExists, Exit::CannotCreate),
        (io::ErrorKind::StorageFull, Exit::Storage),
    ];
    known.into_iter().find(|(kind, _)| *kind == error.kind()).map(|(_, exit)| exit)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_keeps_its_kind_and_its_words_below_others() {
        let error = Exit::TryAgain.because("not over within 2h");
        let error = Err::<(), _>(error).context("retire").unwrap_err();
        assert_eq!(kind(&error), Exit::TryAgain);
        assert_eq!(format!("{error:#}"), "retire: not over within 2h");
        assert_eq!(kind(&anyhow::anyhow!("no")), Exit::NotDone);
    }
}
