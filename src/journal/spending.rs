//! `spent.json`: what was spent on each day of the month, beside the database, so that a cap on money
//! outlives the loss of all that is in it.

use std::io;
use std::path::Path;

use super::files;
use crate::memory::{Spent, read_spent, write_spent};

/// Its name.
pub(super) const FILE: &str = "spent.json";

/// What was spent; an error within says why it does not read.
pub(super) fn read(dir: &Path) -> io::Result<Result<Option<Spent>, String>> {
    let Some(text) = files::read(&dir.join(FILE))? else { return Ok(Ok(None)) };
    Ok(read_spent(&text).map(Some).map_err(|error| error.to_string()))
}

/// Writes it as a whole.
pub(super) fn write(dir: &Path, spent: &Spent) -> io::Result<()> {
    let text = write_spent(spent).map_err(io::Error::other)?;
    files::replace(&dir.join(FILE), &text)
}
