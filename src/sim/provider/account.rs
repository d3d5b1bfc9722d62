//! What an account has besides machines: disks, public addresses, images in the making.

use std::collections::BTreeMap;

use super::bill::{BillLine, Charge, Charges};
use super::disk::Disk;
use super::group::Group;
use super::request::Pubnet;
use super::snapshot::Snapshot;
use super::{Catalog, Fault, Provider};
use crate::model::{Money, OfferKey, Text, Time};
use crate::sim::rng::Rng;

/// A public address for a day (the vendor's price list names ¥0.331).
const EIP_DAY: Money = Money(331_000);

/// Everything of the account that is no machine.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) disks: BTreeMap<Text, Disk>,
    pub(super) eips: BTreeMap<Text, Eip>,
    pub(super) snapshots: BTreeMap<Text, Snapshot>,
    pub(super) groups: BTreeMap<Text, Group>,
    /// Changes of the network, which are done at once: of which resource.
    pub(super) tasks: BTreeMap<Text, Text>,
    /// Machines that something slow is done to: until when, as what, and what they then are.
    pub(super) busy: BTreeMap<Text, Busy>,
    ids: Rng,
}

/// A public address, in truth.
#[derive(Debug, Clone)]
pub struct Eip {
    /// `Id`.
    pub id: Text,
    /// `IP`.
    pub ip: Text,
    /// `RegionCode`.
    pub region: Text,
    /// `AvailableZoneCode`.
    pub zone: Text,
    /// `Description`.
    pub description: Text,
    /// `BandwidthType`: the line.
    pub line: Text,
    /// `BillScheme`.
    pub scheme: Text,
    /// `Qos`, Mbit/s.
    pub qos: u32,
    /// The bandwidth's id.
    pub bandwidth: Text,
    /// `CreateTime`.
    pub created_at: Time,
    /// The machine it is bound to.
    pub instance: Option<Text>,
    pub(super) charges: Charges,
}

/// A machine that an image is made of, or that is resized.
#[derive(Debug, Clone)]
pub struct Busy {
    /// Until when.
    pub until: Time,
    /// `Status` meanwhile.
    pub code: &'static str,
    /// `StatusDisplay` meanwhile.
    pub display: &'static str,
    /// Its size from then on.
    pub(super) becomes: Option<OfferKey>,
}

impl Account {
    pub(super) fn new(root: &Rng, catalog: &Catalog) -> Self {
        Self {
            disks: BTreeMap::new(),
            eips: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            groups: Group::all(catalog),
            tasks: BTreeMap::new(),
            busy: BTreeMap::new(),
            ids: root.fork("account"),
        }
    }

    /// A prefix and 16 letters or digits.
    pub(super) fn id(&mut self, prefix: &str) -> Text {
        let digit = |_| {
            let digit = u32::try_from(self.ids.below(36)).ok()?;
            char::from_digit(digit, 36)
        };
        format!("{prefix}{}", (0..16).filter_map(digit).collect::<String>()).into()
    }
}

impl Eip {
    fn bill_line(&self, now: Time) -> BillLine {
        let (running_seconds, _) = self.charges.until(now);
        BillLine {
            instance: Text::clone(&self.id),
            name: Text::clone(&self.ip),
            running_seconds,
            stopped_seconds: 0,
            running_day: EIP_DAY,
            stopped_day: Money::ZERO,
            open: self.charges.charge() != Charge::Nothing,
        }
    }
}

impl Provider {
    /// Every public address of the account.
    pub fn eips(&self) -> impl Iterator<Item = &Eip> {
        self.account.eips.values()
    }

    /// What a machine is busy with besides its own state.
    pub fn busy(&self, instance: &str) -> Option<&Busy> {
        self.account.busy.get(instance)
    }

    /// Whether existing addresses are there, free, and as many as machines.
    pub(super) fn check_pubnet(&self, asked: &Pubnet, machines: u32) -> Result<(), Fault> {
        let ids = &asked.existing;
        let is_free = |id: &&Text| self.eips().any(|eip| eip.id == **id && eip.instance.is_none());
        match ids.iter().find(|id| !is_free(id)) {
            Some(id) => Err(Fault::no_instance(id)),
            None if !ids.is_empty() && u32::try_from(ids.len()) != Ok(machines) => {
                Err(Fault::parameter("PubnetInfo.EipIds"))
            }
            None => Ok(()),
        }
    }

    /// Binds existing addresses, which are free and as many, or makes a new one for each machine.
    pub(super) fn bind_eips(&mut self, now: Time, asked: &Pubnet, instances: &[Text]) {
        let zone = self.catalog.zone(&asked.request.zone).cloned();
        let ids: Vec<Text> = match zone {
            Some(zone) if asked.existing.is_empty() => {
                instances.iter().map(|_| self.make_eip(now, &zone, &asked.request)).collect()
            }
            Some(_) | None => asked.existing.clone(),
        };
        for (id, instance) in ids.iter().zip(instances) {
            if let Some(eip) = self.account.eips.get_mut(id) {
                eip.instance = Some(Text::clone(instance));
            }
        }
    }

    /// `DeleteEIP`: only what is bound to nothing, which is the careful reading of the document.
    pub fn delete_eip(&mut self, now: Time, id: &str) -> Result<(), Fault> {
        self.advance(now);
        let eip = self.account.eips.get(id).ok_or_else(|| Fault::no_instance(id))?;
        if eip.instance.is_some() {
            return Err(Fault::wrong_state("bound"));
        }
        if let Some(mut eip) = self.account.eips.remove(id) {
            eip.charges.switch(Charge::Nothing, now);
            self.closed.push(eip.bill_line(now));
        }
        Ok(())
    }

    /// A machine is gone, or stopped with its address released.
    pub(super) fn leave_eips(&mut self, instance: &Text, at: Time, released: bool) {
        let of_it: Vec<Text> = self
            .eips()
            .filter(|eip| eip.instance.as_ref() == Some(instance))
            .map(|eip| Text::clone(&eip.id))
            .collect();
        for id in of_it {
            if released {
                if let Some(mut eip) = self.account.eips.remove(&id) {
                    eip.charges.switch(Charge::Nothing, at);
                    self.closed.push(eip.bill_line(at));
                }
            } else if let Some(eip) = self.account.eips.get_mut(&id) {
                eip.instance = None;
            }
        }
    }

    /// Bill lines of disks and addresses.
    pub(super) fn account_lines(&self, now: Time) -> impl Iterator<Item = BillLine> {
        let disks = self.account.disks.values().map(move |disk| disk.bill_line(now));
        disks.chain(self.account.eips.values().map(move |eip| eip.bill_line(now)))
    }

    /// Ends what is slow and due.
    pub(super) fn settle_account(&mut self, now: Time) {
        if !self.account.disks.is_empty() {
            self.settle_disks(now);
        }
        if self.account.busy.is_empty() {
            return;
        }
        let due: Vec<Text> = self
            .account
            .busy
            .iter()
            .filter(|(_, busy)| busy.until <= now)
            .map(|(id, _)| Text::clone(id))
            .collect();
        for id in due {
            let Some(Busy { until, becomes: Some(offer), .. }) = self.account.busy.remove(&id)
            else {
                continue;
            };
            self.resized(&id, until, offer);
        }
    }
}
