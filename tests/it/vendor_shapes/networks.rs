//! Networks: the field names and types of the vendor's newest public client
//! (`cds-cloudos-go-sdk`, as of 2025-10-15). Every field must be there and of its type, or decoding
//! fails.

#![expect(dead_code, reason = "what a field holds is not looked at, but that it decodes")]

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListVpcsData {
    pub(super) total: i64,
    #[serde(rename = "VPCList")]
    pub(super) vpc_list: Vec<VPC>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeTaskData {
    pub(super) task_status: String,
    pub(super) resource_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VPC {
    pub(super) create_time: String,
    pub(super) region_code: String,
    pub(super) status: String,
    #[serde(rename = "VPCId")]
    pub(super) vpc_id: String,
    #[serde(rename = "VPCNmae")]
    pub(super) vpc_nmae: String,
    pub(super) bandwidth_type: String,
    #[serde(rename = "VPCSegment")]
    pub(super) vpc_segment: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSubnetsData {
    pub(super) total: i64,
    pub(super) subnet_list: Vec<Subnet>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Subnet {
    pub(super) status: String,
    pub(super) subnet_id: String,
    pub(super) subnet_name: String,
    pub(super) subnet_segment: String,
    #[serde(rename = "UsedIPNum")]
    pub(super) used_ip_num: i64,
    #[serde(rename = "VPCId")]
    pub(super) vpc_id: String,
    #[serde(rename = "VPCName")]
    pub(super) vpc_name: String,
    pub(super) available_zone_code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListEipsData {
    pub(super) total: i64,
    #[serde(rename = "EIPList")]
    pub(super) eip_list: Vec<Eip>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEipResData {
    #[serde(rename = "EIPId")]
    pub(super) eip_id: String,
    #[serde(rename = "IP")]
    pub(super) ip: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Eip {
    pub(super) available_zone_code: String,
    pub(super) create_time: String,
    pub(super) description: String,
    #[serde(rename = "IP")]
    pub(super) ip: String,
    pub(super) id: String,
    pub(super) is_bind: bool,
    pub(super) region_code: String,
    pub(super) status: String,
    pub(super) bandwidth_info: BandwidthInfo,
    pub(super) bind_resource_info: Option<BindResourceInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BandwidthInfo {
    pub(super) available_zone_code: String,
    pub(super) bandwidth_type: String,
    pub(super) bill_scheme: String,
    pub(super) create_time: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) qos: i64,
    pub(super) status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BindResourceInfo {
    #[serde(rename = "SubnetIP")]
    pub(super) subnet_ip: String,
    pub(super) subnet_id: String,
}
