//! Images: what a machine boots from.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let images = client.images("CN_Suqian_B").await?;
//! let ours = images.iter().filter(|image| image.is_private && image.is_ready());
//! println!("{} of our own", ours.count());
//! # Ok(())
//! # }
//! ```

use serde_json::{Value, json};

use super::actions::ecs as action;
use super::client::{Client, Params};
use super::error::CallError;
use super::fields::Fields;
use super::instances::{Accepted, accepted};
use crate::model::Text;

/// An image in one zone, as `DescribeImages` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Id.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Its zone.
    pub zone: Option<Text>,
    /// `Geforce` or `Datacenter`; a machine's size must have the same.
    pub driver: Option<Text>,
    /// `running` when it can be used.
    pub status: Option<Text>,
    /// `private` = the account's own.
    pub is_private: bool,
    /// Such as `Ubuntu` or `Windows`.
    pub os: Option<Text>,
    /// GiB the system disk must have at least.
    pub os_gib: u32,
}

impl Image {
    /// Whether a machine can boot from it now.
    pub fn is_ready(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "running")
    }
}

impl Client {
    /// `DescribeImages` of a zone.
    pub async fn images(&self, zone: &str) -> Result<Vec<Image>, CallError> {
        let params = Params::query(&[("AvailableZoneCode", zone)]);
        let answer = self.call(&action::IMAGES, params).await?;
        Ok(images(&answer.data))
    }

    /// `CreateImage` of a machine that is shut down; the image's id is the one made.
    pub async fn create_image(&self, instance: &str, name: &str) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[instance]).await;
        let body = json!({ "EcsId": instance, "Name": name });
        Ok(accepted(&self.call(&action::IMAGE_CREATE, Params::Body(body)).await?))
    }

    /// `DeleteImage` in one zone: without a zone the API would delete in all of them.
    pub async fn delete_images(&self, ids: &[&str], zone: &str) -> Result<Accepted, CallError> {
        let body = json!({ "ImageIds": ids, "AvailableZoneCode": zone });
        Ok(accepted(&self.call(&action::IMAGE_DELETE, Params::Body(body)).await?))
    }

    /// `SyncImage`: copies an image to other zones.
    pub async fn sync_image(&self, id: &str, zones: &[&str]) -> Result<Accepted, CallError> {
        let body = json!({ "ImageId": id, "AvailableZoneCodes": zones });
        Ok(accepted(&self.call(&action::IMAGE_SYNC, Params::Body(body)).await?))
    }
}

/// `Data` of `DescribeImages`.
pub fn images(data: &Value) -> Vec<Image> {
    let images = Fields::of(data).map(|data| data.list("ImageList")).unwrap_or_default();
    let image = |image: Fields<'_>| {
        Some(Image {
            id: image.text("ImageId")?,
            name: image.text("ImageName").unwrap_or_else(|| "".into()),
            zone: image.text("AvailableZoneCode"),
            driver: image.text("SupportGpuDriver"),
            status: image.text("Status"),
            is_private: image.text("TemplateType").as_deref() == Some("private"),
            os: image.text("OsType"),
            os_gib: image.number("OsSize").unwrap_or(0),
        })
    };
    images.into_iter().filter_map(image).collect()
}
