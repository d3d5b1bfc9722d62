//! What the answers of machines, images and disks hold.

use super::holds::Holds::{
    self, Amount, Anything, Bool, List, Map, Numbers, Object, Text, Texts, Whole,
};
use super::holds::{both, doc, sdk};

/// Of a change that is followed by its event.
pub(super) const TAKEN_ON: Holds = Object(&[both("EventId", Text)]);
/// The same where the client does not call the action.
pub(super) const DISKS_TAKEN_ON: Holds = Object(&[doc("EventId", Text)]);
/// `CreateImage`.
pub(super) const IMAGE_MADE: Holds = Object(&[doc("EventId", Text), doc("ImageId", Text)]);
/// `CreateDisk`.
pub(super) const DISKS_MADE: Holds = Object(&[doc("EventId", Text), doc("DiskIdSet", Texts)]);
/// `DescribeInstanceVncUrl`.
pub(super) const VNC: Holds = Object(&[doc("InstanceVncUrl", Text)]);
/// `DescribeInstanceMonitor`: by indicator; of several GPUs a list.
pub(super) const MONITOR: Holds =
    Map(&[doc("Unit", Text), doc("Device", Anything), doc("Time", Texts), doc("Value", Numbers)]);
/// `DescribeRegions`.
pub(super) const REGIONS: Holds = List(&[
    both("RegionGroupId", Text),
    both("RegionGroupName", Text),
    both(
        "RegionList",
        List(&[
            both("RegionId", Text),
            both("RegionName", Text),
            both(
                "AzList",
                List(&[both("AzId", Text), both("AzName", Text), both("AvailableZoneCode", Text)]),
            ),
            both("RegionCode", Text),
        ]),
    ),
]);
/// `DescribeEcsFamilyInfo`.
pub(super) const FAMILIES: Holds = Object(&[both(
    "EcsFamilyInfo",
    List(&[
        both("EcsFamilyName", Text),
        both(
            "SpecList",
            List(&[
                both("GpuShowType", Text),
                both("GpuTypeId", Text),
                both("Cpu", Whole),
                both("Ram", Whole),
                both("Gpu", Whole),
                both("SupportGpuDriver", Text),
            ]),
        ),
    ]),
)]);
/// `DescribeImages`.
pub(super) const IMAGES: Holds = Object(&[both(
    "ImageList",
    List(&[
        both("TemplateType", Text),
        both("ImageId", Text),
        both("ImageName", Text),
        both("Status", Text),
        both("OsType", Text),
        both("OsBit", Whole),
        both("StatusDisplay", Text),
        both("AzId", Text),
        both("AzName", Text),
        both("SupportGpuDriver", Text),
        both("Username", Text),
        both("SupportType", Texts),
        both("OsVersion", Text),
        both("CreateTime", Text),
        both("OsSize", Whole),
        both("AvailableZoneCode", Text),
        both("IsOptimized", Whole),
    ]),
)]);
/// `DescribeInstanceList`.
pub(super) const INSTANCE_LIST: Holds = Object(&[both(
    "EcsList",
    List(&[
        both("EcsId", Text),
        both("EcsName", Text),
        both("VpcId", Text),
        both("VpcName", Text),
        both("Status", Text),
        both("StatusDisplay", Text),
        both("AzId", Text),
        both("AzName", Text),
        both("RegionId", Text),
        both("RegionName", Text),
        both("PrivateNet", Text),
        both("PubNet", Text),
        both("VirtualNet", Anything),
        both("EipInfo", Map(&[both("ConfName", Text), both("EipIp", Text)])),
        both("CreateTime", Text),
        both("EndBillTime", Text),
        both("IsAutoRenewal", Text),
        both("IsGpu", Bool),
        both("CardName", Text),
        both("CpuSize", Whole),
        both("RamSize", Whole),
        both("GpuSize", Whole),
        both("BillingMethodName", Text),
        both("BillingMethod", Text),
        both("OsType", Text),
        both("OsVersion", Text),
        both("ImageName", Text),
        both("OsBit", Whole),
        both("CustomerId", Text),
        both("SystemDiskType", Text),
        both("SystemDiskFeature", Text),
        both("SystemDiskSize", Whole),
        both("SupportGpuDriver", Text),
        both("SpecFamilyId", Text),
        both("EcsFamilyName", Text),
        both("NoChargeForShutdown", Whole),
        sdk("BindingPubnetIp", Bool),
        sdk("EcsGoodsId", Text),
        sdk(
            "GpuCardInfo",
            Object(&[
                sdk("GicBusinessName", Text),
                sdk("GpuDriver", Text),
                sdk("GpuTypeId", Text),
                sdk("RealName", Texts),
            ]),
        ),
        sdk("GpuDriver", Text),
        sdk("IsHaveSnapshot", Bool),
        sdk("ProductSource", Text),
        sdk("ProductSourceDisplay", Text),
        sdk("SecurityGroup", Anything),
        sdk("SubnetId", Text),
        sdk("Tag", Anything),
    ]),
)]);
/// `DescribePrice`.
pub(super) const PRICE: Holds = Object(&[
    doc("PriceUnit", Text),
    doc("PriceSymbol", Text),
    doc("TotalPrice", Amount),
    doc("SpotStdAmount", Amount).sometimes(), // of spot machines
    doc("DemandStdAmount", Amount).sometimes(),
]);
/// `DescribeInstance`.
pub(super) const INSTANCE: Holds = Object(&[
    both("EcsId", Text),
    both("EcsName", Text),
    both("RegionId", Text),
    both("RegionName", Text),
    both("AzId", Text),
    both("AzName", Text),
    both("Status", Text),
    both("StatusDisplay", Text),
    both("CreateTime", Text),
    both("Duration", Whole),
    both("EndBillTime", Text),
    both("IsAutoRenewal", Text),
    both("TimeZone", Text),
    doc("IsRam", Bool),
    both("NoChargeForShutdown", Whole),
    both(
        "EcsRule",
        Object(&[
            both("Name", Text),
            both("CpuNum", Whole),
            both("CpuUnit", Text),
            both("Ram", Whole),
            both("Gpu", Whole),
            both("RamUnit", Text),
            both("GpuUnit", Text),
            sdk("CategoryId", Text),
            sdk("ConfName", Text),
            sdk("EcsGoodsId", Text),
        ]),
    ),
    both(
        "OsInfo",
        Object(&[
            both("ImageId", Text),
            both("ImageName", Text),
            both("OsType", Text),
            both("Bit", Whole),
            both("Version", Text),
            sdk("Unit", Text),
        ]),
    ),
    both(
        "Disk",
        Object(&[
            both(
                "SystemDiskConf",
                Object(&[
                    both("ReleaseWithInstance", Whole),
                    both("DiskType", Text),
                    both("Name", Text),
                    both("Size", Whole),
                    both("DiskIops", Whole),
                    both("BandMbps", Whole),
                    both("Unit", Text),
                    both("DiskId", Text),
                    both("DiskFeature", Text),
                    sdk("DiskName", Text),
                    sdk("EbsGoodsId", Text),
                    sdk("EcsGoodsId", Text),
                    sdk("IsFollowDelete", Whole),
                ]),
            ),
            both(
                "DataDiskConf",
                List(&[
                    both("ReleaseWithInstance", Whole),
                    both("DiskType", Text),
                    both("Name", Text),
                    both("Size", Whole),
                    both("DiskIops", Whole),
                    both("BandMbps", Whole),
                    both("Unit", Text),
                    both("Id", Text).or("DiskId"),
                    both("DiskFeature", Text),
                    sdk("DiskName", Text),
                    sdk("EbsGoodsId", Text),
                    sdk("EcsGoodsId", Text),
                    sdk("IsFollowDelete", Whole),
                ]),
            ),
        ]),
    ),
    both(
        "Pipe",
        Object(&[
            both("VpcName", Text),
            both("VpcId", Text),
            both("SubnetId", Text),
            both("SubnetName", Text),
            both("CreateTime", Text),
            both("PrivateNet", Text),
            both("PubNet", Text),
            both("VirtualNet", Anything),
            both(
                "EipInfo",
                Map(&[
                    both("ConfName", Text),
                    both("EipIp", Text),
                    both("CurrentUseQos", Whole), // text in the sample of 2022
                    sdk("BandwidthName", Text),
                ]),
            ),
        ]),
    ),
    both(
        "BillingInfo",
        Object(&[
            both("BillingMethod", Text),
            both("BillingMethodName", Text),
            both("BillingStatus", Text),
            both("BillCycleId", Text),
            sdk("BillingMethodStatus", Text),
        ]),
    ),
    sdk("IsGpu", Bool),
    sdk("IsToMonth", Whole),
    sdk("RealCardName", Text),
    sdk(
        "SecurityGroup",
        List(&[
            sdk("GroupInterconnected", Bool),
            sdk("Priority", Whole),
            sdk("SecurityGroupId", Text),
            sdk("SecurityGroupName", Text),
            sdk("SecurityGroupType", Text),
        ]),
    ),
    sdk("StockRelease", Bool),
    sdk("Supplier", Text),
    sdk("SystemDiskFeature", Text),
    sdk("Tag", Anything),
]);
/// `DescribeInstanceStatus`.
pub(super) const STATUSES: Holds =
    Object(&[both("EcsStatus", Map(&[both("Status", Text), both("StatusDisplay", Text)]))]);
/// `DescribeEvent`.
pub(super) const EVENT: Holds = Object(&[
    both("EventId", Text),
    both("EventStatus", Text),
    both("EventStatusDisplay", Text),
    both("EventType", Text),
    both("EventTypeDisplay", Text),
    both("CreateTime", Text),
    both(
        "TaskList",
        List(&[
            both("TaskId", Text),
            both("Status", Text),
            both("StatusDisplay", Text),
            both("ResourceId", Text),
            both("CreateTime", Text),
            both("UpdateTime", Text),
            both("EndTime", Text),
            both("ResourceType", Text),
            both("ResourceDisplay", Text),
            both("TaskType", Text),
            both("TaskTypeDisplay", Text),
        ]),
    ),
]);
/// `DescribeAccountSubject`.
pub(super) const SUBJECTS: Holds = List(&[
    doc("Name", Text),
    doc("Balance", Amount),
    doc("Income", Amount),
    doc("Duration", Whole),
    doc("BeginTime", Text),
    doc("EndTime", Text),
]);
/// `CreateInstance`.
pub(super) const CREATED: Holds = Object(&[both("EventId", Text), both("EcsIdSet", Texts)]);
/// `ModifyInstanceName`.
pub(super) const RENAMED: Holds = Object(&[both("EcsId", Text), both("Name", Text)]);
/// `DescribeZoneInstanceType`.
pub(super) const ZONE_TYPES: Holds = List(&[
    doc("EcsFamilyName", Text),
    doc("AvailableZone", Text),
    doc(
        "SpecList",
        List(&[
            doc("Cpu", Whole),
            doc("Ram", Whole),
            doc("Gpu", Whole),
            doc("GpuType", Text),
            doc("SupportGpuDriver", Text),
            doc("Status", Text),
            doc("CpuName", Text),
        ]),
    ),
]);
/// `DescribeDiskQuota`.
pub(super) const QUOTA: Holds = Object(&[doc(
    "QuotaList",
    List(&[
        doc("TotalQuota", Whole),
        doc("UsedQuota", Whole),
        doc("FreeQuota", Whole),
        doc("DiskFeature", Text),
    ]),
)]);
/// `DescribeDiskList`.
pub(super) const DISKS: Holds = Object(&[doc(
    "DiskList",
    List(&[
        doc("DiskId", Text),
        doc("DiskName", Text),
        doc("Size", Whole),
        doc("EcsId", Text),
        doc("EcsName", Text),
        doc("BillingMethod", Text),
        doc("ReleaseWithInstance", Whole),
        doc("RegionCode", Text),
        doc("AvailableZoneCode", Text),
        doc("Status", Text),
        doc("StatusDisplay", Text),
        doc("DiskFeature", Text),
        doc("Property", Text),
    ]),
)]);
/// `DescribeDisk`.
pub(super) const DISK: Holds = Object(&[doc(
    "DiskInfo",
    Object(&[
        doc("DiskId", Text),
        doc("DiskName", Text),
        doc("Size", Whole),
        doc("EcsId", Text),
        doc("EcsName", Text),
        doc("BillingMethod", Text),
        doc("ReleaseWithInstance", Whole),
        doc("RegionCode", Text),
        doc("AvailableZoneCode", Text),
        doc("Status", Text),
        doc("StatusDisplay", Text),
        doc("DiskFeature", Text),
        doc("Property", Text),
    ]),
)]);
