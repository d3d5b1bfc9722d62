//! The small files beside the store, written so that a power cut leaves the old or the new content,
//! and opened so that nobody else's file is written through a link.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::model::Time;

/// Bytes that must find room on the disk for a store to be opened.
const PROBE: usize = 256 << 10;

/// Makes a folder that only its owner may enter, with its entry on disk.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Writes and removes a file of some size: whether the disk takes anything at all.
pub(super) fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join("probe");
    let written = new(&path).and_then(|mut file| {
        file.write_all(&vec![0; PROBE])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// Puts a folder's entries on disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// Replaces a file as a whole: new content beside it, synced, renamed.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = new(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Opens a file for appending, readable by its owner alone.
pub(super) fn append(path: &Path) -> io::Result<File> {
    ours().append(true).create(true).open(path)
}

/// Opens a file that is kept open and locked.
pub(super) fn kept_open(path: &Path) -> io::Result<File> {
    ours().read(true).write(true).create(true).truncate(false).open(path)
}

/// The content of a file; `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    match ours().read(true).open(path).and_then(|mut file| file.read_to_end(&mut content)) {
        Ok(_) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file or folder aside under a name of its own: what cannot be used is never deleted.
pub(super) fn set_aside(path: &Path, now: Time) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stamp = now.to_string().replace([':', '-'], "");
    let mut aside = path.with_file_name(format!("{name}.set-aside-{stamp}"));
    for number in 2..100 {
        if !aside.exists() {
            break;
        }
        aside = path.with_file_name(format!("{name}.set-aside-{stamp}-{number}"));
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// A file that is written from its beginning.
fn new(path: &Path) -> io::Result<File> {
    ours().write(true).create(true).truncate(true).open(path)
}

/// Links are never followed, and what is made is readable by its owner alone.
fn ours() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(no_follow());
    options
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}
