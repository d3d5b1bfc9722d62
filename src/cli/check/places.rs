//! `check --online`: what else keeps the daemon from its work: queues that do not answer, a store that
//! cannot be written.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::config::{Fault, Place, Settings};

/// Queues that cannot be read, each a sentence, and the store.
pub(super) fn faults(settings: &Settings, unread: Vec<String>) -> Vec<Fault> {
    let fault = |key: &str, what| Fault { place: Place::Nowhere, key: key.to_owned(), what };
    let store = store(&settings.store).err().map(|what| fault("store.dir", what));
    unread.into_iter().map(|what| fault("queues", what)).chain(store).collect()
}

/// Whether the store could be written, or made, by whoever asks.
fn store(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    let Some(there) = dir.ancestors().find(|one| one.exists()) else {
        return Err(format!("the store {shown} cannot be made: nothing of its path is there"));
    };
    if !there.is_dir() {
        return Err(format!("the store {shown} cannot be made: {} is a file", there.display()));
    }
    let probe = there.join(format!(".farmscale-check-{}", std::process::id()));
    let tried = File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    tried.map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::PermissionDenied {
            "; ask as the user the daemon runs as: `sudo -u farmscale farmscale check …`"
        } else {
            ""
        };
        format!("the store {shown} cannot be written: {error}{hint}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_made_is_told_and_one_that_can_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(store(&folder.path().join("not/there/yet")), Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(store(&file.join("store")).unwrap_err().contains("is a file"));
    }
}
