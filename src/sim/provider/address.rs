//! Private addresses in a zone's subnet, and public ones.

use std::collections::BTreeSet;

use super::account::Eip;
use super::bill::{Charge, Charges};
use super::{EipRequest, Fault, Instance, Provider, ZoneSpec};
use crate::model::{Text, Time};

/// The subnet of every zone.
pub const SUBNET: &str = "10.15.100.0/22";
/// Its first address, after the gateway's.
const FIRST: u32 = 2;
/// Its addresses.
const SIZE: u32 = 1024;

/// The address of this number in the subnet.
fn written(number: u32) -> Text {
    format!("10.15.{}.{}", 100 + number / 256, number % 256).into()
}

/// The number of an address in the subnet.
fn read(address: &str) -> Option<u32> {
    let parts: Vec<u32> = address.split('.').filter_map(|part| part.parse().ok()).collect();
    let [10, 15, third, fourth] = parts.as_slice() else { return None };
    let number = third.checked_sub(100)?.checked_mul(256)?.checked_add(*fourth)?;
    ((FIRST..SIZE - 1).contains(&number) && *fourth < 256).then_some(number)
}

impl Provider {
    /// The private addresses that are taken in a zone, in order.
    pub fn taken_addresses(&self, zone: &str) -> Vec<Text> {
        let taken: BTreeSet<u32> = self.taken(zone);
        taken.into_iter().map(written).collect()
    }

    /// Some that are free.
    pub fn free_addresses(&self, zone: &str, most: usize) -> Vec<Text> {
        let taken = self.taken(zone);
        let free = (FIRST..SIZE - 1).filter(|number| !taken.contains(number));
        free.take(most).map(written).collect()
    }

    fn taken(&self, zone: &str) -> BTreeSet<u32> {
        let here = self.truth().filter(|one| &*one.offer.zone == zone);
        here.filter_map(|one| read(&one.address)).collect()
    }

    /// Whether these private addresses can be given: in the subnet, free, and as many as machines.
    pub(super) fn check_addresses(
        &self,
        zone: &str,
        asked: &[Text],
        machines: u32,
    ) -> Result<(), Fault> {
        if asked.is_empty() {
            return Ok(());
        }
        let taken = self.taken(zone);
        let free = |address: &Text| read(address).is_some_and(|one| !taken.contains(&one));
        let different: BTreeSet<&Text> = asked.iter().collect();
        let are_enough = u32::try_from(different.len()) == Ok(machines);
        if are_enough && asked.iter().all(free) {
            Ok(())
        } else {
            Err(Fault::parameter("SubnetInfo.IpAddress"))
        }
    }

    /// The address that was asked for, or the first free one.
    pub(super) fn address(&self, zone: &str, asked: Option<&Text>) -> Text {
        asked.map_or_else(
            || self.free_addresses(zone, 1).pop().unwrap_or_else(|| written(SIZE)),
            Text::clone,
        )
    }

    /// The machine a public address is bound to.
    pub fn bound_to(&self, eip: &Eip) -> Option<&Instance> {
        self.instance(eip.instance.as_deref()?)
    }

    /// `CreateEIP`: addresses of nobody's.
    pub fn create_eips(
        &mut self,
        now: Time,
        request: &EipRequest,
        count: u32,
    ) -> Result<Vec<Text>, Fault> {
        self.advance(now);
        let zone = self.catalog.zone(&request.zone).ok_or_else(Fault::no_zone)?;
        let zone = ZoneSpec::clone(zone);
        Ok((0..count).map(|_| self.make_eip(now, &zone, request)).collect())
    }

    /// An address of nobody's, as one ordered by hand is.
    pub fn create_eip(&mut self, now: Time, zone: &str, description: &str) -> Result<Text, Fault> {
        let mut made = self.create_eips(now, &EipRequest::usual(zone, description), 1)?;
        made.pop().ok_or_else(Fault::no_zone)
    }

    pub(super) fn make_eip(&mut self, now: Time, zone: &ZoneSpec, request: &EipRequest) -> Text {
        let (id, bandwidth) = (self.account.id("eip-"), self.account.id("bw-"));
        let number = self.account.eips.len();
        let EipRequest { description, line, scheme, qos, .. } = request.clone();
        let mut eip = Eip {
            id: Text::clone(&id),
            ip: format!("203.0.113.{}", number % 254 + 1).into(),
            region: Text::clone(&zone.region),
            zone: Text::clone(&zone.code),
            description,
            line,
            scheme,
            qos,
            bandwidth,
            created_at: now,
            instance: None,
            charges: Charges::default(),
        };
        eip.charges.switch(Charge::Running, now);
        self.account.eips.insert(Text::clone(&id), eip);
        id
    }

    /// `UpdateEIP`; answers the task's id.
    pub fn update_eip(
        &mut self,
        now: Time,
        id: &str,
        description: Option<&str>,
        qos: Option<u32>,
    ) -> Result<Text, Fault> {
        self.advance(now);
        let eip = self.account.eips.get_mut(id).ok_or_else(|| Fault::no_instance(id))?;
        if let Some(description) = description {
            eip.description = description.into();
        }
        eip.qos = qos.unwrap_or(eip.qos);
        Ok(self.network_task(id))
    }

    /// `BindEIP`: to the machine that has this private address, and no other one; answers the task's id.
    pub fn bind_eip(&mut self, now: Time, id: &str, net: &str, ip: &str) -> Result<Text, Fault> {
        self.advance(now);
        let machine = self.machine_at(net, ip)?;
        let eip = self.account.eips.get_mut(id).ok_or_else(|| Fault::no_instance(id))?;
        if eip.instance.is_some() {
            return Err(Fault::wrong_state("bound"));
        }
        eip.instance = Some(machine);
        Ok(self.network_task(id))
    }

    /// `UnbindEIP`: it stays, and is billed.
    pub fn unbind_eip(&mut self, now: Time, id: &str, net: &str, ip: &str) -> Result<Text, Fault> {
        self.advance(now);
        let machine = self.machine_at(net, ip)?;
        let eip = self.account.eips.get_mut(id).ok_or_else(|| Fault::no_instance(id))?;
        if eip.instance.as_ref() != Some(&machine) {
            return Err(Fault::wrong_state("unbound"));
        }
        eip.instance = None;
        Ok(self.network_task(id))
    }

    /// The machine with this private address in this subnet.
    fn machine_at(&self, net: &str, ip: &str) -> Result<Text, Fault> {
        let zone = self.catalog.zones.iter().find(|zone| &*zone.subnet == net);
        let zone = zone.ok_or_else(|| Fault::no_instance(net))?;
        let is_it = |one: &&Instance| one.offer.zone == zone.code && &*one.address == ip;
        let found = self.truth().find(is_it).ok_or_else(|| Fault::parameter("IP"))?;
        Ok(Text::clone(&found.id))
    }

    fn network_task(&mut self, resource: &str) -> Text {
        let task = self.account.id("task-");
        self.account.tasks.insert(Text::clone(&task), resource.into());
        task
    }

    /// The resource that a task of the network was about; it is done at once.
    pub fn task(&self, id: &str) -> Option<&Text> {
        self.account.tasks.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_subnet_has_a_number_and_no_other_has() {
        for number in [FIRST, 255, 256, SIZE - 2] {
            assert_eq!(read(&written(number)), Some(number));
        }
        for other in ["10.15.100.1", "10.15.104.0", "10.15.103.255", "10.16.100.4", "x", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
