//! What a machine is shown as, in a list and in full.

use serde_json::{Map, Value, json};

use super::answer::vendor_time;
use super::answers::Form;
use crate::model::Billing;
use crate::sim::provider::{Disk, Eip, Group, Instance, Listed, Provider, State, ZoneSpec};

/// `EndBillTime` of what is not paid by the month.
const NEVER: &str = "2099-01-01 00:00:00";

/// Shows machines of this cloud in this form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Showing<'a> {
    pub(super) provider: &'a Provider,
    pub(super) form: Form,
}

/// What a machine is shown as: something slow may be done to one that is shut down.
pub(super) fn status(provider: &Provider, id: &str, state: State) -> (&'static str, &'static str) {
    let busy = provider.busy(id).filter(|_| state == State::Shutdown);
    busy.map_or_else(|| (state.code(), state.display()), |busy| (busy.code, busy.display))
}

fn billing_name(billing: Billing) -> &'static str {
    match billing {
        Billing::OnDemand => "按需计费",
        Billing::Monthly => "包年包月",
        Billing::Spot => "竞价计费",
    }
}

fn ends(instance: &Instance) -> String {
    instance.paid_until.map_or_else(|| NEVER.to_owned(), vendor_time)
}

/// `IsAutoRenewal`, a text.
fn renews(instance: &Instance) -> &'static str {
    if instance.details.renews { "1" } else { "0" }
}

/// The first object with what is in the second.
fn joined(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            Value::Object(first.into_iter().chain(second).collect())
        }
        (first, _) => first,
    }
}

impl<'a> Showing<'a> {
    /// A row of the list.
    pub(super) fn row(self, row: &Listed<'_>, is_ability: bool) -> Value {
        let instance = row.instance;
        let Some(zone) = self.provider.catalog().zone(&instance.offer.zone) else {
            return Value::Null;
        };
        let (status, display) = status(self.provider, &instance.id, row.state);
        let is_free = row.is_free || (is_ability && instance.can_stop_free());
        let first = json!({
            "EcsId": *instance.id, "EcsName": *instance.name, "VpcId": *zone.vpc,
            "VpcName": format!("{}-VPC", zone.name), "Status": status,
            "StatusDisplay": display, "AzId": *zone.id, "AzName": *zone.name,
            "RegionId": *zone.region_id, "RegionName": *zone.region_name,
            "PrivateNet": *instance.address, "PubNet": "", "VirtualNet": [],
            "EipInfo": self.row_eips(instance),
            "CreateTime": vendor_time(instance.created_at()), "EndBillTime": ends(instance),
            "IsAutoRenewal": renews(instance), "IsGpu": 0 < instance.offer.gpus,
            "NoChargeForShutdown": u8::from(is_free),
        });
        let whole = joined(first, self.row_size(instance));
        match self.form {
            Form::Document => whole,
            Form::Client => joined(whole, self.row_more(instance, zone)),
        }
    }

    fn row_size(self, instance: &Instance) -> Value {
        let family = self.provider.catalog().family(&instance.offer.family);
        let disk_type = if &*instance.disk_feature == "ssd" { "SSD云盘" } else { "本地盘" };
        json!({
            "CardName": family.map_or("", |family| &*family.gpu_name),
            "CpuSize": instance.offer.cpu, "RamSize": instance.offer.ram_gib,
            "GpuSize": instance.offer.gpus,
            "BillingMethodName": billing_name(instance.offer.billing),
            "BillingMethod": super::params::billing_code(instance.offer.billing), "OsType": "Ubuntu",
            "OsVersion": "20.04", "OsBit": 64, "ImageName": self.image(instance).1,
            "CustomerId": "E000001", "SystemDiskType": disk_type,
            "SystemDiskFeature": *instance.disk_feature, "SystemDiskSize": instance.disk_gib,
            "SupportGpuDriver": family.map_or("", |family| &*family.driver),
            "SpecFamilyId": "bd1a7a0a-f29f-11ec-a66c-7a4c8683bd6c",
            "EcsFamilyName": *instance.offer.family,
        })
    }

    /// What the vendor's newest client reads besides.
    fn row_more(self, instance: &Instance, zone: &ZoneSpec) -> Value {
        let family = self.provider.catalog().family(&instance.offer.family);
        let driver = family.map_or("", |family| &*family.driver);
        let card = family.map_or("", |family| &*family.gpu_name);
        let has_snapshot =
            self.provider.snapshots().any(|one| one.disk.instance.as_ref() == Some(&instance.id));
        json!({
            "BindingPubnetIp": self.eip(instance).is_some(),
            "EcsGoodsId": "20210", "GpuDriver": driver,
            "GpuCardInfo": {
                "GicBusinessName": card, "GpuDriver": driver, "RealName": [card],
                "GpuTypeId": family.map_or("", |family| &*family.gpu_type_id),
            },
            "IsHaveSnapshot": has_snapshot, "ProductSource": "ecs",
            "ProductSourceDisplay": "云服务器", "SecurityGroup": self.groups(instance),
            "SubnetId": *zone.subnet, "Tag": [],
        })
    }

    /// Everything about one.
    pub(super) fn detail(self, instance: &Instance) -> Value {
        let provider = self.provider;
        let Some(zone) = provider.catalog().zone(&instance.offer.zone) else { return Value::Null };
        let offer = &instance.offer;
        let (status, display) = status(provider, &instance.id, instance.state);
        let first = json!({
            "EcsId": *instance.id, "EcsName": *instance.name, "RegionId": *zone.region_id,
            "RegionName": *zone.region_name, "AzId": *zone.id, "AzName": *zone.name,
            "Status": status, "StatusDisplay": display,
            "CreateTime": vendor_time(instance.created_at()), "Duration": 1,
            "EndBillTime": ends(instance), "IsAutoRenewal": renews(instance),
            "TimeZone": if instance.details.utc { "UTC" } else { "Asia/Shanghai" },
            "IsRam": 0 < offer.gpus, "NoChargeForShutdown": u8::from(instance.is_free),
            "OsInfo": {
                "ImageId": self.image(instance).0, "ImageName": self.image(instance).1,
                "OsType": "Ubuntu", "Bit": 64, "Version": "20.04",
            },
            "Disk": self.disks(instance),
            "Pipe": {
                "VpcName": format!("{}-VPC", zone.name), "VpcId": *zone.vpc,
                "SubnetId": *zone.subnet, "SubnetName": "render",
                "CreateTime": vendor_time(instance.created_at()),
                "PrivateNet": *instance.address, "PubNet": "", "VirtualNet": [],
                "EipInfo": self.detail_eips(instance),
            },
            "EcsRule": self.rule(instance), "BillingInfo": self.billing(instance),
        });
        match self.form {
            Form::Document => first,
            Form::Client => joined(first, self.detail_more(instance)),
        }
    }

    fn detail_more(self, instance: &Instance) -> Value {
        let family = self.provider.catalog().family(&instance.offer.family);
        json!({
            "IsGpu": 0 < instance.offer.gpus, "IsToMonth": u8::from(instance.details.to_month_end),
            "RealCardName": family.map_or("", |family| &*family.gpu_name),
            "SecurityGroup": self.groups(instance), "StockRelease": false, "Supplier": "",
            "SystemDiskFeature": *instance.disk_feature, "Tag": [],
            "OsInfo": {
                "ImageId": self.image(instance).0, "ImageName": self.image(instance).1,
                "OsType": "Ubuntu", "Bit": 64, "Version": "20.04", "Unit": "位",
            },
        })
    }

    fn rule(self, instance: &Instance) -> Value {
        let offer = &instance.offer;
        let rule = json!({
            "Name": *offer.family, "CpuNum": offer.cpu, "CpuUnit": "核", "Ram": offer.ram_gib,
            "Gpu": offer.gpus, "RamUnit": "个", "GpuUnit": "GiB",
        });
        let more = json!({ "CategoryId": "5", "ConfName": "", "EcsGoodsId": "20210" });
        match self.form {
            Form::Document => rule,
            Form::Client => joined(rule, more),
        }
    }

    fn billing(self, instance: &Instance) -> Value {
        let billing = json!({
            "BillingMethod": super::params::billing_code(instance.offer.billing),
            "BillingMethodName": billing_name(instance.offer.billing),
            "BillingStatus": "正常", "BillCycleId": "month",
        });
        match self.form {
            Form::Document => billing,
            Form::Client => joined(billing, json!({ "BillingMethodStatus": "ok" })),
        }
    }

    fn disks(self, instance: &Instance) -> Value {
        let of_it = |disk: &&Disk| disk.instance.as_ref() == Some(&instance.id);
        let data: Vec<Value> =
            self.provider.disks().filter(of_it).map(|disk| self.data_disk(disk)).collect();
        let system = json!({
            "ReleaseWithInstance": 1, "DiskType": "system", "Name": "system",
            "Size": instance.disk_gib, "DiskIops": 2520, "BandMbps": 96, "Unit": "GB",
            "DiskId": instance.system_disk(), "DiskFeature": *instance.disk_feature,
        });
        json!({ "SystemDiskConf": self.disk_more(system, true), "DataDiskConf": data })
    }

    /// `Id` here, `DiskId` for the system disk: as the document has it.
    fn data_disk(self, disk: &Disk) -> Value {
        let row = json!({
            "ReleaseWithInstance": u8::from(disk.release), "DiskType": "data", "Name": *disk.name,
            "Size": disk.gib, "DiskIops": 2520, "BandMbps": 96, "Unit": "GB", "Id": *disk.id,
            "DiskFeature": "ssd",
        });
        self.disk_more(row, disk.release)
    }

    fn disk_more(self, disk: Value, follows: bool) -> Value {
        let more = json!({
            "DiskName": "SSD云盘", "EbsGoodsId": "20302", "EcsGoodsId": "20210",
            "IsFollowDelete": u8::from(follows),
        });
        match self.form {
            Form::Document => disk,
            Form::Client => joined(disk, more),
        }
    }

    /// Id and name of the image, by whichever of them the machine was made.
    fn image(self, instance: &'a Instance) -> (&'a str, &'a str) {
        let images = &self.provider.catalog().images;
        let made_from = |word: &str| word == &*instance.image;
        let image = images.iter().find(|one| made_from(&one.id) || made_from(&one.name));
        image.map_or((&instance.image, &instance.image), |image| (&image.id, &image.name))
    }

    fn eip(self, instance: &Instance) -> Option<&'a Eip> {
        self.provider.eips().find(|eip| eip.instance.as_ref() == Some(&instance.id))
    }

    /// Public addresses beside the private one, as the API nests them.
    fn row_eips(self, instance: &Instance) -> Value {
        let eip = self.eip(instance);
        let line = if eip.is_some() { "电信" } else { "" };
        let entry = json!({ "ConfName": line, "EipIp": eip.map_or("", |eip| &*eip.ip) });
        Value::Object(Map::from_iter([(instance.address.to_string(), entry)]))
    }

    fn detail_eips(self, instance: &Instance) -> Value {
        let eip = self.eip(instance);
        let line = if eip.is_some() { "电信" } else { "" };
        let entry = json!({ "ConfName": line, "EipIp": eip.map_or("", |eip| &*eip.ip) });
        let more = match self.form {
            Form::Document => json!({ "CurrentUseQos": "" }),
            Form::Client => json!({
                "CurrentUseQos": eip.map_or(0, |eip| eip.qos), "BandwidthName": line,
            }),
        };
        Value::Object(Map::from_iter([(instance.address.to_string(), joined(entry, more))]))
    }

    fn groups(self, instance: &Instance) -> Vec<Value> {
        let groups = instance.groups.iter();
        let found = groups.filter_map(|(place, id)| Some((*place, self.provider.group(id).ok()?)));
        let json = |(priority, group): (u32, &Group)| {
            json!({
                "SecurityGroupId": *group.id, "SecurityGroupName": *group.name,
                "SecurityGroupType": "custom", "Priority": priority,
                "GroupInterconnected": group.interconnected,
            })
        };
        found.map(json).collect()
    }
}
