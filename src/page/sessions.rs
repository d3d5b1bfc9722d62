//! People who have signed in with the token, until they sign out or twelve hours have passed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::clock::Clock;
use crate::model::{Span, Time};

/// How long a session lasts.
pub(super) const SESSION: Span = Span::hours(12);
/// Sessions at a time; the oldest ends when there is one more.
const SESSIONS_MAX: usize = 100;

/// People who have signed in with the token.
#[derive(Debug)]
pub(super) struct Sessions {
    real: Clock,
    /// Oldest first.
    open: Mutex<VecDeque<(String, Time)>>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { real: Clock::real(), open: Mutex::default() }
    }

    pub(super) fn begin(&self) -> String {
        let id = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let mut open = self.open();
        open.push_back((id.clone(), self.real.now() + SESSION));
        if SESSIONS_MAX < open.len() {
            open.pop_front();
        }
        id
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        let now = self.real.now();
        let mut open = self.open();
        open.retain(|(_, until)| now < *until);
        open.iter().any(|(known, _)| same(known, id))
    }

    pub(super) fn end(&self, id: &str) {
        self.open().retain(|(known, _)| !same(known, id));
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<(String, Time)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares in the same time whatever the difference, and whatever the length.
pub(super) fn same(one: &str, other: &str) -> bool {
    Sha1::digest(one).as_slice().ct_eq(Sha1::digest(other).as_slice()).into()
}
