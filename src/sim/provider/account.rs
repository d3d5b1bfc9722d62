//! What an account has besides machines: disks, public addresses, images in the making.

use std::collections::BTreeMap;

use super::bill::{BillLine, Charge, Charges};
use super::disk::Disk;
use super::{Fault, Provider};
use crate::model::{Money, OfferKey, Text, Time};
use crate::sim::rng::Rng;

/// A public address for a day (the vendor's price list names ¥0.331).
const EIP_DAY: Money = Money(331_000);

/// Everything of the account that is no machine.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) disks: BTreeMap<Text, Disk>,
    pub(super) eips: BTreeMap<Text, Eip>,
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
    /// `CreateTime`.
    pub created_at: Time,
    /// The machine it is bound to.
    pub instance: Option<Text>,
    charges: Charges,
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
    pub(super) fn new(root: &Rng) -> Self {
        let ids = root.fork("account");
        let (disks, eips, busy) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { disks, eips, busy, ids }
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

    /// Binds existing addresses, which are free and as many, or makes a new one for each machine.
    pub(super) fn bind_eips(
        &mut self,
        now: Time,
        (region, zone): (&Text, &Text),
        instances: &[Text],
        existing: &[Text],
    ) {
        for (id, instance) in existing.iter().zip(instances) {
            if let Some(eip) = self.account.eips.get_mut(id) {
                eip.instance = Some(Text::clone(instance));
            }
        }
        if !existing.is_empty() {
            return;
        }
        for instance in instances {
            let id = self.make_eip(now, (region, zone), "");
            if let Some(eip) = self.account.eips.get_mut(&id) {
                eip.instance = Some(Text::clone(instance));
            }
        }
    }

    fn make_eip(&mut self, now: Time, (region, zone): (&Text, &Text), description: &str) -> Text {
        let id = self.account.id("eip-");
        let number = self.account.eips.len();
        let mut eip = Eip {
            id: Text::clone(&id),
            ip: format!("203.0.113.{}", number % 254 + 1).into(),
            region: Text::clone(region),
            zone: Text::clone(zone),
            description: description.into(),
            created_at: now,
            instance: None,
            charges: Charges::default(),
        };
        eip.charges.switch(Charge::Running, now);
        self.account.eips.insert(Text::clone(&id), eip);
        id
    }

    /// An address of nobody's, as one ordered by hand is.
    pub fn create_eip(&mut self, now: Time, zone: &str, description: &str) -> Result<Text, Fault> {
        self.advance(now);
        let zone = self.catalog.zone(zone).ok_or_else(Fault::no_zone)?;
        let (region, zone) = (Text::clone(&zone.region), Text::clone(&zone.code));
        Ok(self.make_eip(now, (&region, &zone), description))
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
