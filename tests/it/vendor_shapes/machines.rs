//! Machines, images and disks: the field names and types of the vendor's newest public client
//! (`cds-cloudos-go-sdk`, as of 2025-10-15). Every field must be there and of its type, or decoding
//! fails.

#![expect(dead_code, reason = "what a field holds is not looked at, but that it decodes")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RegionGroup {
    pub(super) region_group_id: String,
    pub(super) region_group_name: String,
    pub(super) region_list: Vec<RegionInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateInstanceEvent {
    pub(super) event_id: String,
    pub(super) ecs_id_set: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventIdData {
    pub(super) event_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceEcsStatusInfo {
    pub(super) ecs_status: BTreeMap<String, InstanceEcsStatusData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceListData {
    pub(super) ecs_list: Vec<InstanceSimpleInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceData {
    pub(super) ecs_id: String,
    pub(super) ecs_name: String,
    pub(super) region_id: String,
    pub(super) region_name: String,
    pub(super) az_id: String,
    pub(super) az_name: String,
    pub(super) status: String,
    pub(super) status_display: String,
    pub(super) create_time: String,
    pub(super) duration: i64,
    pub(super) end_bill_time: String,
    pub(super) is_auto_renewal: String,
    pub(super) time_zone: String,
    pub(super) is_gpu: bool,
    pub(super) is_to_month: i64,
    pub(super) real_card_name: String,
    pub(super) security_group: Vec<SecurityGroupInfo>,
    pub(super) stock_release: bool,
    pub(super) supplier: String,
    pub(super) system_disk_feature: String,
    pub(super) tag: Vec<Value>,
    pub(super) no_charge_for_shutdown: i64,
    pub(super) ecs_rule: InstanceRuleInfo,
    pub(super) os_info: OsInfo,
    pub(super) disk: DiskInfo,
    pub(super) pipe: PipeInfo,
    pub(super) billing_info: BillingInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModifyInstanceNameData {
    pub(super) ecs_id: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventResultData {
    pub(super) event_id: String,
    pub(super) event_status: String,
    pub(super) event_status_display: String,
    pub(super) event_type: String,
    pub(super) event_type_display: String,
    pub(super) create_time: String,
    pub(super) task_list: Vec<TaskListInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FamilyData {
    pub(super) ecs_family_info: Vec<FamilyInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageList {
    pub(super) image_list: Vec<ImageInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RegionInfo {
    pub(super) region_id: String,
    pub(super) region_name: String,
    pub(super) az_list: Vec<AzInfo>,
    pub(super) region_code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceEcsStatusData {
    pub(super) status: String,
    pub(super) status_display: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceSimpleInfo {
    pub(super) ecs_id: String,
    pub(super) ecs_name: String,
    pub(super) vpc_id: String,
    pub(super) vpc_name: String,
    pub(super) status: String,
    pub(super) status_display: String,
    pub(super) az_id: String,
    pub(super) az_name: String,
    pub(super) region_id: String,
    pub(super) region_name: String,
    pub(super) private_net: String,
    pub(super) pub_net: String,
    pub(super) virtual_net: Vec<Value>,
    pub(super) eip_info: BTreeMap<String, EipSimpleInfo>,
    pub(super) create_time: String,
    pub(super) spec_family_id: String,
    pub(super) ecs_family_name: String,
    pub(super) cpu_size: i64,
    pub(super) ram_size: i64,
    pub(super) end_bill_time: String,
    pub(super) is_auto_renewal: String,
    pub(super) is_gpu: bool,
    pub(super) card_name: String,
    pub(super) gpu_size: i64,
    pub(super) billing_method_name: String,
    pub(super) billing_method: String,
    pub(super) os_type: String,
    pub(super) os_version: String,
    pub(super) image_name: String,
    pub(super) os_bit: i64,
    pub(super) system_disk_type: String,
    pub(super) system_disk_size: i64,
    pub(super) no_charge_for_shutdown: i64,
    pub(super) customer_id: String,
    pub(super) system_disk_feature: String,
    pub(super) support_gpu_driver: String,
    pub(super) binding_pubnet_ip: bool,
    pub(super) ecs_goods_id: String,
    pub(super) gpu_card_info: GpuCardData,
    pub(super) gpu_driver: String,
    pub(super) is_have_snapshot: bool,
    pub(super) product_source: String,
    pub(super) product_source_display: String,
    pub(super) security_group: Vec<Value>,
    pub(super) subnet_id: String,
    pub(super) tag: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecurityGroupInfo {
    pub(super) group_interconnected: bool,
    pub(super) priority: i64,
    pub(super) security_group_id: String,
    pub(super) security_group_name: String,
    pub(super) security_group_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceRuleInfo {
    pub(super) name: String,
    pub(super) cpu_num: i64,
    pub(super) cpu_unit: String,
    pub(super) ram: i64,
    pub(super) gpu: i64,
    pub(super) ram_unit: String,
    pub(super) gpu_unit: String,
    pub(super) category_id: String,
    pub(super) conf_name: String,
    pub(super) ecs_goods_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OsInfo {
    pub(super) image_id: String,
    pub(super) image_name: String,
    pub(super) os_type: String,
    pub(super) bit: i64,
    pub(super) version: String,
    pub(super) unit: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DiskInfo {
    pub(super) system_disk_conf: SystemDiskConfInfo,
    pub(super) data_disk_conf: Vec<DataDiskConfInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PipeInfo {
    pub(super) vpc_name: String,
    pub(super) vpc_id: String,
    pub(super) subnet_id: String,
    pub(super) subnet_name: String,
    pub(super) create_time: String,
    pub(super) private_net: String,
    pub(super) pub_net: String,
    pub(super) virtual_net: Vec<Value>,
    pub(super) eip_info: BTreeMap<String, EipInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BillingInfo {
    pub(super) billing_method: String,
    pub(super) billing_method_name: String,
    pub(super) billing_status: String,
    pub(super) bill_cycle_id: String,
    pub(super) billing_method_status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaskListInfo {
    pub(super) task_id: String,
    pub(super) status: String,
    pub(super) status_display: String,
    pub(super) resource_id: String,
    pub(super) create_time: String,
    pub(super) update_time: String,
    pub(super) end_time: String,
    pub(super) resource_type: String,
    pub(super) resource_display: String,
    pub(super) task_type: String,
    pub(super) task_type_display: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FamilyInfo {
    pub(super) ecs_family_name: String,
    pub(super) spec_list: Vec<SpecListInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageInfo {
    pub(super) available_zone_code: String,
    pub(super) az_id: String,
    pub(super) az_name: String,
    pub(super) create_time: String,
    pub(super) image_id: String,
    pub(super) image_name: String,
    pub(super) is_optimized: i64,
    pub(super) os_bit: i64,
    pub(super) os_size: i64,
    pub(super) os_type: String,
    pub(super) os_version: String,
    pub(super) status: String,
    pub(super) status_display: String,
    pub(super) support_gpu_driver: String,
    pub(super) support_type: Vec<String>,
    pub(super) template_type: String,
    pub(super) username: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AzInfo {
    pub(super) az_id: String,
    pub(super) az_name: String,
    pub(super) available_zone_code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EipSimpleInfo {
    pub(super) conf_name: String,
    pub(super) eip_ip: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GpuCardData {
    pub(super) gic_business_name: String,
    pub(super) gpu_driver: String,
    pub(super) gpu_type_id: String,
    pub(super) real_name: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SystemDiskConfInfo {
    pub(super) release_with_instance: i64,
    pub(super) disk_type: String,
    pub(super) name: String,
    pub(super) size: i64,
    pub(super) disk_iops: i64,
    pub(super) band_mbps: i64,
    pub(super) unit: String,
    pub(super) disk_id: String,
    pub(super) disk_feature: String,
    pub(super) disk_name: String,
    pub(super) ebs_goods_id: String,
    pub(super) ecs_goods_id: String,
    pub(super) is_follow_delete: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataDiskConfInfo {
    pub(super) release_with_instance: i64,
    pub(super) disk_type: String,
    pub(super) name: String,
    pub(super) size: i64,
    pub(super) disk_iops: i64,
    pub(super) band_mbps: i64,
    pub(super) unit: String,
    pub(super) id: String,
    pub(super) disk_feature: String,
    pub(super) disk_name: String,
    pub(super) ebs_goods_id: String,
    pub(super) ecs_goods_id: String,
    pub(super) is_follow_delete: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EipInfo {
    pub(super) conf_name: String,
    pub(super) eip_ip: String,
    pub(super) current_use_qos: i64,
    pub(super) bandwidth_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SpecListInfo {
    pub(super) gpu_show_type: String,
    pub(super) gpu_type_id: String,
    pub(super) cpu: i64,
    pub(super) ram: i64,
    pub(super) gpu: i64,
    pub(super) support_gpu_driver: String,
}
