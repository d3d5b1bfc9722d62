//! The actions on images, and what is done to machines besides making and stopping them.

use serde_json::{Value, json};

use super::Behind;
use super::answer::{Answer, Failure, Page, vendor_time};
use super::params::{Params, refs};
use crate::model::Time;
use crate::sim::provider::{Fault, ImageSpec, NewImage, Size, ZoneSpec};

/// `CreateTime` of images that were there before everything else.
const LONG_AGO: &str = "2022-08-30 12:30:48";
/// The one test-money account.
const SUBJECT: &str = "rendertest";

/// Whether the test-money account is there.
pub(super) fn check_subject(params: &Params) -> Result<(), Failure> {
    let is_known = params.text("TestAccount").is_none_or(|name| name == SUBJECT);
    if is_known { Ok(()) } else { Err(Fault::no_account().into()) }
}

pub(super) fn images(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (code, ids) = (params.text("AvailableZoneCode"), params.texts("ImageIds")?);
    let catalog = behind.provider(now).catalog();
    if code.as_deref().is_some_and(|code| catalog.zone(code).is_none()) {
        return Err(Fault::no_zone().into());
    }
    let mut list = Vec::new();
    for zone in &catalog.zones {
        let in_zone = code.as_deref().is_none_or(|code| code == &*zone.code);
        for image in catalog.images.iter().filter(|_| in_zone) {
            let wanted = |ids: &Vec<String>| ids.iter().any(|id| **id == *image.id);
            if ids.as_ref().is_none_or(wanted) && image.is_listed_in(&zone.code) {
                list.push(image_json(image, zone, now));
            }
        }
    }
    let page = Page { number: 1, size: list.len(), total: list.len() };
    let data = json!({ "ImageList": list });
    Ok(Answer { message: "获取镜像信息成功！", data, page: Some(page), task: None })
}

fn image_json(image: &ImageSpec, zone: &ZoneSpec, now: Time) -> Value {
    let is_ready = image.is_in(&zone.code, now);
    let (status, display) =
        if is_ready { ("running", "可用") } else { ("creating", "创建中") };
    json!({
        "TemplateType": *image.template, "ImageId": *image.id, "ImageName": *image.name,
        "Status": status, "StatusDisplay": display, "OsType": "Ubuntu", "OsBit": 64,
        "OsVersion": "20.04", "OsSize": image.os_gib, "AzId": *zone.id,
        "AzName": *zone.name, "AvailableZoneCode": *zone.code, "Username": "root",
        "SupportGpuDriver": *image.driver, "SupportType": ["gpu"],
        "IsOptimized": u8::from(image.is_optimized),
        "CreateTime": image.created_at.map_or_else(|| LONG_AGO.to_owned(), vendor_time),
    })
}

pub(super) fn create_image(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    check_subject(params)?;
    let (id, name) = (params.required("EcsId")?, params.required("Name")?);
    let new = NewImage { name: &name, is_optimized: params.flag("IsOptimized", false)? };
    let (accepted, image) = behind.provider(now).create_image(now, &id, new)?;
    let data = json!({ "EventId": *accepted.event, "ImageId": *image });
    Ok(Answer::new("创建私有镜像成功", data))
}

pub(super) fn delete_image(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (ids, zone) = (params.required_texts("ImageIds")?, params.text("AvailableZoneCode"));
    let accepted = behind.provider(now).delete_images(now, &refs(&ids), zone.as_deref())?;
    Ok(Answer::accepted("删除节点镜像成功!", &accepted))
}

pub(super) fn sync_image(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    check_subject(params)?;
    let (id, zones) = (params.required("ImageId")?, params.required_texts("AvailableZoneCodes")?);
    let accepted = behind.provider(now).sync_image(now, &id, &refs(&zones))?;
    Ok(Answer::accepted("同步私有镜像成功！", &accepted))
}

pub(super) fn set_password(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let accepted = behind.provider(now).set_password(now, &refs(&ids))?;
    Ok(Answer::accepted("云服务器管理员用户密码修改任务下发成功！", &accepted))
}

pub(super) fn rename(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let (id, name) = (params.required("EcsId")?, params.required("Name")?);
    behind.provider(now).rename(now, &id, &name)?;
    Ok(Answer::new("修改实例名称成功！", json!({ "EcsId": id, "Name": name })))
}

pub(super) fn resize(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let ids = params.required_texts("EcsIds")?;
    let (zone, family) = (params.required("AvailableZoneCode")?, params.required("EcsFamilyName")?);
    let size = Size::new(
        params.required_number("Cpu")?,
        params.required_number("Ram")?,
        params.number("Gpu")?.unwrap_or(0),
    );
    let provider = behind.provider(now);
    provider.catalog().zone(&zone).ok_or_else(Fault::no_zone)?;
    let accepted = provider.resize(now, &refs(&ids), &family, size)?;
    Ok(Answer::accepted("变更规格任务下发成功！", &accepted))
}

pub(super) fn vnc_url(
    behind: &mut dyn Behind,
    now: Time,
    params: &Params,
) -> Result<Answer, Failure> {
    let id = params.required("EcsId")?;
    let there = behind.provider(now).instance(&id).filter(|one| one.state.exists());
    there.ok_or_else(|| Fault::no_instance(&id))?;
    let data = json!({ "InstanceVncUrl": format!("http://vnc.invalid/{id}") });
    Ok(Answer::new("获取远程连接地址成功！", data))
}

#[expect(clippy::unnecessary_wraps, reason = "every action has the same signature")]
pub(super) fn subjects(_: &mut dyn Behind, _: Time, _: &Params) -> Result<Answer, Failure> {
    let data = json!([{
        "Name": SUBJECT, "Balance": 1000.01, "Income": 1100.01, "Duration": 302,
        "BeginTime": "2026-01-01", "EndTime": "2026-10-30",
    }]);
    Ok(Answer::new("获取测试账户信息成功！", data))
}
