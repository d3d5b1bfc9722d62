//! What still incurs charges after a machine is gone: disks attached to nothing, public addresses bound to
//! nothing. Whose they are shows in their names alone, for the API keeps no other trace.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! for leftover in client.leftovers().await? {
//!     println!("{:?} {} still incurs charges", leftover.kind, leftover.id);
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use super::client::Client;
use super::disks::{Disk, DiskStatus};
use super::error::CallError;
use super::instances::Accepted;
use super::network::Eip;
use crate::model::{Refusal, Text, Time};

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A cloud disk.
    Disk,
    /// A public address.
    Address,
}

/// The question that lists an address: a region, and a zone of it or none.
type Asked = (Text, Option<Text>);

/// Something that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// `DiskId`, or the address's `Id`.
    pub id: Text,
    /// `DiskName`, or the address's `Description`.
    pub name: Text,
    /// Its zone, or its region where no zone is told.
    pub place: Text,
    /// A disk's GiB.
    pub gib: Option<u32>,
    /// An address's `IP`.
    pub ip: Option<Text>,
    /// When it was made; of disks the API does not tell.
    pub created_at: Option<Time>,
    /// The name of the machine a disk is shown with, though it is attached to none.
    pub shown_with: Option<Text>,
    /// A system disk, which no action deletes by itself.
    pub is_system: bool,
    asked: Option<Asked>,
}

/// What has become of something that nothing used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Still nothing uses it.
    Unused,
    /// Something uses it, or it is on its way.
    Changed,
    /// It is gone.
    Gone,
}

impl Client {
    /// Every disk and address that nothing uses, in every zone and region.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, CallError> {
        let mut found = Vec::new();
        for disk in self.disks(None).await? {
            if !is_unused(&disk) {
                continue;
            }
            found.push(Leftover {
                kind: Kind::Disk,
                id: disk.id,
                name: disk.name,
                place: disk.zone.unwrap_or_else(|| "".into()),
                gib: Some(disk.gib),
                ip: None,
                created_at: None,
                shown_with: disk.instance_name,
                is_system: disk.is_system,
                asked: None,
            });
        }
        for (eip, asked) in self.addresses().await? {
            if eip.is_unused() {
                found.push(Leftover {
                    kind: Kind::Address,
                    id: eip.id,
                    name: eip.description,
                    place: eip.zone.unwrap_or_else(|| Text::clone(&asked.0)),
                    gib: None,
                    ip: Some(eip.ip),
                    created_at: eip.created_at,
                    shown_with: None,
                    is_system: false,
                    asked: Some(asked),
                });
            }
        }
        Ok(found)
    }

    /// Every address of the account. The document wants the zone said for edge zones and left away for
    /// the others, and no field tells which is which: both are asked, and one answer is enough.
    async fn addresses(&self) -> Result<Vec<(Eip, Asked)>, CallError> {
        let mut regions: BTreeMap<Text, Vec<Option<Text>>> = BTreeMap::new();
        for zone in self.zones().await? {
            regions.entry(zone.region).or_insert_with(|| vec![None]).push(Some(zone.code));
        }
        let mut found: BTreeMap<Text, (Eip, Asked)> = BTreeMap::new();
        for (region, zones) in regions {
            let (mut is_answered, mut refused) = (false, None);
            for zone in zones {
                match self.eips(&region, zone.as_deref()).await {
                    Ok(eips) => {
                        is_answered = true;
                        let asked = (Text::clone(&region), zone);
                        let row = |eip: Eip| (Text::clone(&eip.id), (eip, asked.clone()));
                        found.extend(eips.into_iter().map(row));
                    }
                    Err(error) if error.class() == Refusal::Config => refused = Some(error),
                    Err(error) => return Err(error),
                }
            }
            if let Some(error) = refused.filter(|_| !is_answered) {
                return Err(error);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Looks at one again.
    pub async fn leftover_since(&self, one: &Leftover) -> Result<Since, CallError> {
        let Some((region, zone)) = &one.asked else {
            return Ok(match self.disk(&one.id).await? {
                None => Since::Gone,
                Some(disk) if is_unused(&disk) => Since::Unused,
                Some(disk) if is_gone(&disk.status) => Since::Gone,
                Some(_) => Since::Changed,
            });
        };
        let eips = self.eips(region, zone.as_deref()).await?;
        Ok(match eips.into_iter().find(|eip| eip.id == one.id) {
            None => Since::Gone,
            Some(eip) if eip.is_unused() => Since::Unused,
            Some(_) => Since::Changed,
        })
    }

    /// Deletes one for good. A disk's deletion is followed by its event; an address's has none.
    pub async fn delete_leftover(&self, one: &Leftover) -> Result<Accepted, CallError> {
        match one.kind {
            Kind::Disk => self.delete_disks(&[&one.id]).await,
            Kind::Address => self.delete_eip(&one.id).await.map(|()| Accepted::default()),
        }
    }
}

/// Whether it is attached to nothing, and its row says that no machine has it.
fn is_unused(disk: &Disk) -> bool {
    disk.status == DiskStatus::Waiting && disk.is_attached == Some(false)
}

/// The words that mean gone with machines; a disk's are in no table.
fn is_gone(status: &DiskStatus) -> bool {
    let gone = |word: &Text| matches!(&**word, "deleted" | "destroying" | "destroy");
    matches!(status, DiskStatus::Other(word) if gone(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::disks;
    use serde_json::{Value, json};

    /// What leads to a deletion must be said; what cannot be read is no word of it.
    #[test]
    fn a_disk_is_unused_only_if_its_row_says_so() {
        let unused = |more: Value| {
            let mut row = json!({
                "DiskId": "disk-1", "Size": 32, "Status": "waiting", "EcsId": "", "EcsName": "",
                "Property": "data",
            });
            for (name, value) in more.as_object().unwrap() {
                row[name] = value.clone();
            }
            let disk = disks::disks(&json!({ "DiskList": [row] })).unwrap().remove(0);
            is_unused(&disk) && !disk.is_system
        };
        assert!(unused(json!({})) && unused(json!({ "EcsId": null })));
        for doubtful in [
            json!({ "Status": "" }),
            json!({ "Status": null }),
            json!({ "Status": "idle" }),
            json!({ "Status": "mounting" }),
            json!({ "EcsId": "ins-1" }),
            json!({ "EcsId": ["ins-1"] }),
            json!({ "EcsId": { "Id": "ins-1" } }),
            json!({ "EcsId": 7 }),
            json!({ "Property": null }),
            json!({ "Property": "system" }),
        ] {
            assert!(!unused(doubtful.clone()), "{doubtful}");
        }
        let silent = json!({ "DiskId": "disk-1", "Size": 32, "Status": "waiting" });
        let silent = disks::disks(&json!({ "DiskList": [silent] })).unwrap().remove(0);
        assert!(!is_unused(&silent), "it says nothing of a machine");
    }
}
