//! The socket that orders come over: whoever may open it may give them.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Its user and its group.
const MODE: u32 = 0o660;

/// Removes the socket when the daemon ends.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Listens there. One that is left of an earlier daemon is replaced: who holds the store's lock is
    /// the only daemon there is.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is no socket")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(MODE))?;
        Ok((listener, Self { path: path.to_owned() }))
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that is left is replaced at the next start.
        std::fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_user_and_group_replaces_an_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("farmscale.sock");
        let left_behind = UnixListener::bind(&path).unwrap();
        let (_listener, socket) = Socket::bind(&path).unwrap();
        drop(left_behind);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        drop(socket);
        assert!(!path.exists());
        std::fs::write(&path, "a file of somebody").unwrap();
        assert!(Socket::bind(&path).is_err() && path.exists());
    }
}
