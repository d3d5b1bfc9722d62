//! Whether the store's place is ours alone: whoever could put another file in place of one of ours
//! could make us overwrite anything, or believe anything.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

const WRITABLE_BY_OTHERS: u32 = 0o002;
const WRITABLE_BY_GROUP: u32 = 0o020;
const STICKY: u32 = 0o1000;

/// What is wrong with the folder of the store or the way to it, and what to do; `None` if nothing is.
pub(super) fn fault(dir: &Path) -> io::Result<Option<String>> {
    let own = rustix::process::geteuid().as_raw();
    let is_ours = |data: &Metadata| data.uid() == own || data.uid() == 0;
    let link = fs::symlink_metadata(dir)?;
    if !is_ours(&link) {
        return Ok(Some(of_another(dir, &link, own)));
    }
    let real = fs::canonicalize(dir)?;
    for folder in real.ancestors().skip(1) {
        let data = fs::metadata(folder)?;
        let mode = data.permissions().mode();
        if !is_ours(&data) {
            return Ok(Some(of_another(folder, &data, own)));
        }
        if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
            return Ok(Some(open_to_all(folder, "chmod o-w")));
        }
    }
    let data = fs::metadata(&real)?;
    if data.uid() != own {
        return Ok(Some(of_another(dir, &data, own)));
    }
    if data.permissions().mode() & (WRITABLE_BY_OTHERS | WRITABLE_BY_GROUP) != 0 {
        return Ok(Some(open_to_all(dir, "chmod 700")));
    }
    content(&real, own)
}

/// What lies in the folder: files and folders of our own, no links to anywhere.
fn content(dir: &Path, own: u32) -> io::Result<Option<String>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let data = match fs::symlink_metadata(&path) {
            Ok(data) => data,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if data.uid() != own {
            return Ok(Some(of_another(&path, &data, own)));
        }
        let shown = path.display();
        if data.is_symlink() {
            return Ok(Some(format!("{shown} is a symbolic link: remove it")));
        }
        if data.is_file() && 1 < data.nlink() {
            return Ok(Some(format!("{shown} has another name elsewhere (hard link): remove it")));
        }
        let is_db = data.is_dir() && path.file_name().is_some_and(|name| name == "db");
        if is_db && let Some(fault) = content(&path, own)? {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

fn of_another(path: &Path, data: &Metadata, own: u32) -> String {
    let (path, owner) = (path.display(), data.uid());
    format!(
        "{path} belongs to user {owner}, and the daemon runs as user {own}: chown it, or name \
         another store.dir"
    )
}

fn open_to_all(path: &Path, remedy: &str) -> String {
    let path = path.display();
    format!("other users may write in {path}, and could put files of theirs there: {remedy} {path}")
}
